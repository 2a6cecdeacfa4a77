namespace Timonier.ApiServer.Admission;

/// <summary>
/// What mutating webhooks and policies changed in one request: when one did, all mutating admission runs once more, and those of them that
/// ask for it and ran before the change are asked again. Source: apiserver admission/reinvocation.go. One request, one thread at a time.
/// </summary>
public sealed class Reinvocation
{
    private readonly HashSet<string> _reinvocable = new(StringComparer.Ordinal);
    private readonly HashSet<string> _again = new(StringComparer.Ordinal);

    /// <summary>The second run.</summary>
    public bool IsSecondRun { get; set; }

    /// <summary>Somebody changed the object.</summary>
    public bool IsNeeded { get; private set; }

    /// <summary>May this one be asked in this run? In the second only who was asked in the first, before something changed.</summary>
    public bool Admits(string id) => !IsSecondRun || _again.Contains(id);

    /// <summary>The object was changed by somebody: who ran so far and wants to know is asked again.</summary>
    public void Changed()
    {
        IsNeeded = true;
        _again.UnionWith(_reinvocable);
        _reinvocable.Clear();
    }

    /// <summary>It ran, and wants to be asked again after a later change.</summary>
    public void Ran(string id) => _reinvocable.Add(id);
}

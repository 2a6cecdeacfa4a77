namespace Timonier.Testing.Histories;

/// <summary>One change of one key. Value null: the key was deleted.</summary>
/// <param name="Source">Who told of it first, for the finding.</param>
public sealed record Change(long Revision, string Key, string? Value, string Source);

/// <summary>
/// All changes that anybody was told of, by revision: what the server's own order of writes must have been. A write without an
/// answer is in it if, and only if, somebody saw it.
/// </summary>
internal sealed class Timeline
{
    private readonly SortedDictionary<long, Change> _changes = [];
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<string, Change[]> _byKey;
    private readonly HashSet<long> _acknowledged = [];

    public Timeline(IReadOnlyCollection<Operation> history)
    {
        foreach (var operation in history)
            Note(operation);
        All = [.. _changes.Values];
        _byKey = All.GroupBy(one => one.Key).ToDictionary(one => one.Key, one => one.ToArray());
    }

    /// <summary>In the order of revisions.</summary>
    public Change[] All { get; }

    public IEnumerable<string> Keys => _byKey.Keys;

    /// <summary>Of building it: revisions that were given twice.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    public bool IsAcknowledged(long revision) => _acknowledged.Contains(revision);

    public Change[] Of(string key) => _byKey.GetValueOrDefault(key, []);

    /// <summary>The last change of a key up to a revision; null: none.</summary>
    public Change? At(string key, long revision)
    {
        var changes = Of(key);
        var at = FirstBehind(changes, revision);
        return at > 0 ? changes[at - 1] : null;
    }

    /// <summary>The first change of a key behind a revision; null: none.</summary>
    public Change? After(string key, long revision)
    {
        var changes = Of(key);
        var at = FirstBehind(changes, revision);
        return at < changes.Length ? changes[at] : null;
    }

    /// <summary>The index of the first change behind a revision.</summary>
    public static int FirstBehind(Change[] changes, long revision)
    {
        var (low, high) = (0, changes.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = changes[middle].Revision <= revision ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    private void Note(Operation operation)
    {
        switch (operation)
        {
            case WriteOp { Outcome: Outcome.Done, Revision: > 0 } write:
                _acknowledged.Add(write.Revision);
                Note(write.Revision, write.Key, write.Kind == WriteKind.Delete ? null : write.Value, $"the answer to {write.Client}");
                break;
            case ReadOp { Found: { } item } read:
                Note(item.Revision, item.Key, item.Value, $"a read of {read.Client}");
                break;
            case ListOp list:
                foreach (var item in list.Pages.SelectMany(page => page.Items))
                    Note(item.Revision, item.Key, item.Value, $"a list of {list.Client}");
                break;
            case WatchOp watch:
                foreach (var (type, item) in watch.Events)
                    Note(item.Revision, item.Key, type == WatchedType.Deleted ? null : item.Value, $"a watch of {watch.Client}");
                break;
        }
    }

    private void Note(long revision, string key, string? value, string source)
    {
        if (_changes.TryAdd(revision, new Change(revision, key, value, source)) || _changes[revision] is not { } known || (known.Key == key && known.Value == value))
            return;
        _findings.Add(new(Violation.RevisionRepeated, $"revision {revision} is {known.Key}={known.Value ?? "deleted"} in {known.Source}, and {key}={value ?? "deleted"} in {source}"));
    }
}

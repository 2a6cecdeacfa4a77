using Timonier.Api.Schema;

namespace Timonier.Controllers.Namespace;

/// <summary>What was found while a namespace's content was deleted.</summary>
internal sealed class NamespaceContent
{
    /// <summary>How many objects of a resource are still there.</summary>
    public SortedDictionary<string, int> Remaining { get; } = new(StringComparer.Ordinal);

    /// <summary>How many objects wait for a finalizer.</summary>
    public SortedDictionary<string, int> Finalizers { get; } = new(StringComparer.Ordinal);

    /// <summary>What failed while deleting.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>What failed while asking what there is to delete.</summary>
    public List<string> DiscoveryFailures { get; } = [];

    /// <summary>Seconds until the slowest of what remains should be gone.</summary>
    public long EstimateSeconds { get; private set; }

    public bool IsGone => Remaining.Count == 0 && Failures.Count == 0 && DiscoveryFailures.Count == 0;

    public void Remains(GroupVersionResource resource, int count, IEnumerable<string> finalizers, long estimateSeconds)
    {
        Remaining[$"{resource.Resource}.{resource.Group}"] = count;
        foreach (var finalizer in finalizers)
            Finalizers[finalizer] = Finalizers.GetValueOrDefault(finalizer) + 1;
        EstimateSeconds = Math.Max(EstimateSeconds, estimateSeconds);
    }
}

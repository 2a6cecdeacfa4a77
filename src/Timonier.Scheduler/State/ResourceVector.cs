using Timonier.Api;
using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.State;

/// <summary>Amounts of resources: CPU in thousandths, all others in whole units (bytes, pods, devices).</summary>
public sealed class ResourceVector
{
    private readonly Dictionary<string, long> _amounts = new(StringComparer.Ordinal);

    public long this[string resource] => _amounts.GetValueOrDefault(resource);

    public IEnumerable<KeyValuePair<string, long>> Amounts => _amounts;

    public void Add(ResourceVector other, int sign = 1)
    {
        foreach (var (resource, amount) in other._amounts)
            _amounts[resource] = this[resource] + (sign * amount);
    }

    public void Set(string resource, long amount) => _amounts[resource] = amount;

    public static ResourceVector Of(IReadOnlyDictionary<string, Quantity> quantities)
    {
        var vector = new ResourceVector();
        foreach (var (resource, quantity) in quantities)
            vector._amounts[resource] = Amount(resource, quantity);
        return vector;
    }

    private static long Amount(string resource, Quantity quantity) => resource == "cpu" ? quantity.MilliValue : quantity.Value;

    /// <summary>
    /// What a pod asks of its node: its containers together with its sidecars, or its largest init container together with the
    /// sidecars started before it, whichever is more; what the pod itself says goes before both; plus the overhead
    /// (KEP-753, KEP-2837).
    /// </summary>
    public static ResourceVector Requests(PodSpec spec)
    {
        var total = new ResourceVector();
        foreach (var container in spec.Containers)
            total.Add(Of(container.Resources.Requests));
        var sidecars = new ResourceVector();
        var initPeak = new ResourceVector();
        foreach (var init in spec.InitContainers)
        {
            var requests = Of(init.Resources.Requests);
            if (init.RestartPolicy == "Always")
            {
                total.Add(requests);
                sidecars.Add(requests);
                initPeak.Max(sidecars);
                continue;
            }
            requests.Add(sidecars);
            initPeak.Max(requests);
        }
        total.Max(initPeak);
        if (spec.Resources is not null)
        {
            foreach (var (resource, quantity) in spec.Resources.Requests)
                total.Set(resource, Amount(resource, quantity));
        }
        total.Add(Of(spec.Overhead));
        return total;
    }

    private void Max(ResourceVector other)
    {
        foreach (var (resource, amount) in other._amounts)
            _amounts[resource] = Math.Max(this[resource], amount);
    }
}

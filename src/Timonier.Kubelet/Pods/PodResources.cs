using Timonier.Api;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>From requests and limits to the numbers that the kernel takes. Upstream: cm/helpers_linux.go, qos/policy.go.</summary>
internal static class PodResources
{
    public const string Cpu = "cpu";
    public const string Memory = "memory";

    private const long SharesMin = 2;
    private const long SharesMax = 262144;
    private const long SharesPerCpu = 1024;
    public const long QuotaPeriodMicroseconds = 100_000;
    private const long QuotaMin = 1000;

    public static long CpuShares(long milliCpu) => milliCpu == 0 ? SharesMin : Math.Clamp(milliCpu * SharesPerCpu / 1000, SharesMin, SharesMax);

    /// <returns>Microseconds of <see cref="QuotaPeriodMicroseconds"/>; 0 without a limit.</returns>
    public static long CpuQuota(long milliCpu) => milliCpu == 0 ? 0 : Math.Max(milliCpu * QuotaPeriodMicroseconds / 1000, QuotaMin);

    /// <summary>cgroup v2's weight (1..10000) of a number of shares (2..262144); the runtimes convert in the same way.</summary>
    public static long CpuWeight(long shares) => 1 + (shares - 2) * 9999 / 262142;

    public static Quantity Get(IReadOnlyDictionary<string, Quantity> resources, string name) => resources.TryGetValue(name, out var value) ? value : Quantity.Zero;

    public static Cri.V1.LinuxContainerResources ForContainer(Pod pod, Container container, long nodeMemoryBytes)
    {
        var request = Get(container.Resources.Requests, Cpu);
        var limit = Get(container.Resources.Limits, Cpu);
        // A limit without a request is also the request, which the API server's defaults have normally filled in.
        var shares = CpuShares((request.IsZero && !limit.IsZero && !container.Resources.Requests.ContainsKey(Cpu) ? limit : request).MilliValue);
        var resources = new Cri.V1.LinuxContainerResources
        {
            CpuShares = shares,
            MemoryLimitInBytes = Get(container.Resources.Limits, Memory).Value,
            OomScoreAdj = OomScoreAdjust(pod, container, nodeMemoryBytes),
        };
        if (!limit.IsZero)
            (resources.CpuPeriod, resources.CpuQuota) = (QuotaPeriodMicroseconds, CpuQuota(limit.MilliValue));
        return resources;
    }

    private static long OomScoreAdjust(Pod pod, Container container, long nodeMemoryBytes)
    {
        const int guaranteed = -997, bestEffort = 1000;
        if (pod.Spec.Priority >= 2_000_000_000)
            return guaranteed;
        return QosClass(pod) switch
        {
            "Guaranteed" => guaranteed,
            "BestEffort" => bestEffort,
            _ => Burstable(),
        };

        long Burstable()
        {
            var request = Get(container.Resources.Requests, Memory).Value;
            var score = 1000 - (nodeMemoryBytes > 0 ? 1000 * request / nodeMemoryBytes : 0);
            return Math.Clamp(score, 1000 + guaranteed, bestEffort - 1);
        }
    }

    /// <summary>The API server has set it; a pod without (a static one) gets it by the same rule.</summary>
    public static string QosClass(Pod pod)
    {
        if (pod.Status.QosClass.Length > 0)
            return pod.Status.QosClass;
        var containers = pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => c.Resources).ToArray();
        if (containers.All(r => !Has(r.Requests) && !Has(r.Limits)))
            return "BestEffort";
        var guaranteed = containers.All(r => ((string[])[Cpu, Memory]).All(n => r.Limits.TryGetValue(n, out var limit) && !limit.IsZero && (!r.Requests.TryGetValue(n, out var request) || request == limit)));
        return guaranteed ? "Guaranteed" : "Burstable";

        static bool Has(IReadOnlyDictionary<string, Quantity> resources) => resources.Any(r => r.Key is Cpu or Memory && !r.Value.IsZero);
    }

    /// <summary>What the whole pod may use: regular containers and sidecars together, or the largest init container. Null where one has no limit.</summary>
    public static (long MilliCpuRequest, long? MilliCpuLimit, long? MemoryLimitBytes) ForPod(Pod pod)
    {
        var requests = Sum(pod, Cpu, r => r.Requests)!.Value.MilliValue;
        return (requests, Sum(pod, Cpu, r => r.Limits, required: true)?.MilliValue, Sum(pod, Memory, r => r.Limits, required: true)?.Value);
    }

    private static Quantity? Sum(Pod pod, string name, Func<ResourceRequirements, IReadOnlyDictionary<string, Quantity>> select, bool required = false)
    {
        if (pod.Spec.Resources is { } own && select(own).TryGetValue(name, out var whole))
            return whole;
        var total = Quantity.Zero;
        var largestInit = Quantity.Zero;
        foreach (var (container, kind) in pod.Spec.AllContainers().Where(c => c.Kind != ContainerKind.Ephemeral))
        {
            if (!select(container.Resources).TryGetValue(name, out var value) && required)
                return null;
            if (kind != ContainerKind.Init)
                total += value;
            else if (value > largestInit)
                largestInit = value;
        }
        total = largestInit > total ? largestInit : total;
        return pod.Spec.Overhead.TryGetValue(name, out var overhead) ? total + overhead : total;
    }
}

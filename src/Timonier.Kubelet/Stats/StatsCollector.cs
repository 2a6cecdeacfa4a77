using System.Globalization;
using Timonier.Client.Node;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Stats;

/// <summary>
/// Usage of the node and its containers, read when somebody asks and not before. A rate is the difference to the sample before; when
/// there is none of a useful age, two are taken in a row. Thread-safe.
/// </summary>
internal sealed class StatsCollector(string nodeName, ICri cri, PodManager pods, TimeProvider time) : IDisposable
{
    // Within this time everyone gets the same answer; after that long a sample says nothing of "now".
    private static readonly TimeSpan ReuseFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan UsefulFor = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan QuickWindow = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _collecting = new(1);
    private Sample? _last;
    private NodeStats? _answer;

    private sealed record Sample(DateTimeOffset Time, ulong NodeCpu, IReadOnlyDictionary<string, Cri.V1.ContainerStats> Containers);

    public void Dispose() => _collecting.Dispose();

    public async Task<NodeStats> CollectAsync(CancellationToken cancellationToken)
    {
        await _collecting.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (_answer is not null && now - _answer.Usage.Time < ReuseFor)
                return _answer;
            if (_last is null || now - _last.Time > UsefulFor)
            {
                _last = await SampleAsync(cancellationToken);
                await Task.Delay(QuickWindow, time, cancellationToken);
            }
            var sample = await SampleAsync(cancellationToken);
            _answer = Answer(_last, sample);
            _last = sample;
            return _answer;
        }
        finally
        {
            _collecting.Release();
        }
    }

    private async Task<Sample> SampleAsync(CancellationToken cancellationToken)
    {
        var containers = await cri.ListContainerStatsAsync(cancellationToken);
        return new(time.GetUtcNow(), NodeCpuNanoseconds(), containers.Where(c => c.Cpu is not null && c.Memory is not null).ToDictionary(c => c.Attributes.Id));
    }

    private NodeStats Answer(Sample before, Sample now)
    {
        var byPod = pods.Workers.Select(w => w.Pod).Select(pod => Pod(pod, before, now)).Where(p => p.Containers.Count > 0).ToArray();
        var (used, available) = NodeMemory();
        var window = now.Time - before.Time;
        var node = new UsageStats(now.Time, now.NodeCpu, Rate(before.NodeCpu, now.NodeCpu, window), used) { Window = window, MemoryUsageBytes = used + available, MemoryRssBytes = used };
        return new(nodeName, node, byPod);
    }

    private static PodStats Pod(Timonier.Api.Core.V1.Pod pod, Sample before, Sample now)
    {
        var containers = new List<ContainerStats>();
        foreach (var stats in now.Containers.Values.Where(c => c.Attributes.Labels.TryGetValue(PodNames.UidLabel, out var uid) && uid == pod.Metadata.Uid))
            containers.Add(new(stats.Attributes.Metadata.Name, Usage(before.Containers.GetValueOrDefault(stats.Attributes.Id), stats)));
        var sum = new UsageStats(now.Time, Sum(containers, c => c.CpuTotalNanoseconds), containers.All(c => c.Usage.CpuNanoCores is not null) ? Sum(containers, c => c.CpuNanoCores!.Value) : null, Sum(containers, c => c.MemoryWorkingSetBytes))
        {
            Window = now.Time - before.Time,
            MemoryUsageBytes = Sum(containers, c => c.MemoryUsageBytes),
            MemoryRssBytes = Sum(containers, c => c.MemoryRssBytes),
        };
        return new(pod.Metadata.Namespace, pod.Metadata.Name, pod.Metadata.Uid, sum, containers);
    }

    private static ulong Sum(List<ContainerStats> containers, Func<UsageStats, ulong> select) => containers.Aggregate(0ul, (sum, c) => sum + select(c.Usage));

    private static UsageStats Usage(Cri.V1.ContainerStats? before, Cri.V1.ContainerStats now)
    {
        var total = now.Cpu.UsageCoreNanoSeconds?.Value ?? 0;
        var time = DateTimeOffset.UnixEpoch.AddTicks(now.Cpu.Timestamp / TimeSpan.NanosecondsPerTick);
        var window = before is null ? TimeSpan.Zero : TimeSpan.FromTicks((now.Cpu.Timestamp - before.Cpu.Timestamp) / TimeSpan.NanosecondsPerTick);
        var rate = before is null ? null : Rate(before.Cpu.UsageCoreNanoSeconds?.Value ?? 0, total, window);
        return new(time, total, rate, now.Memory.WorkingSetBytes?.Value ?? 0)
        {
            Window = window,
            MemoryUsageBytes = now.Memory.UsageBytes?.Value ?? now.Memory.WorkingSetBytes?.Value ?? 0,
            MemoryRssBytes = now.Memory.RssBytes?.Value ?? 0,
        };
    }

    private static ulong? Rate(ulong before, ulong now, TimeSpan window) =>
        window <= TimeSpan.Zero || now < before ? null : (ulong)((now - before) / window.TotalSeconds);

    // proc_stat(5): user nice system idle iowait irq softirq steal, in hundredths of a second.
    private static ulong NodeCpuNanoseconds()
    {
        const ulong nanosecondsPerTick = 10_000_000;
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(f => ulong.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return (fields.Aggregate(0ul, (a, b) => a + b) - fields[3] - fields[4]) * nanosecondsPerTick;
    }

    // What is not available to others is used; page cache counts as available.
    private static (ulong Used, ulong CacheAndFree) NodeMemory()
    {
        var values = File.ReadLines("/proc/meminfo").Select(l => l.Split((char[])[' ', ':'], StringSplitOptions.RemoveEmptyEntries)).ToDictionary(f => f[0], f => ulong.Parse(f[1], CultureInfo.InvariantCulture) * 1024);
        return (values["MemTotal"] - values["MemAvailable"], values["Cached"]);
    }
}

using System.Globalization;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Eviction;

/// <summary>What is read of this machine and of the pods on it, for eviction and for the collection of images.</summary>
internal interface INodeSignals
{
    /// <summary>What could not be read is absent.</summary>
    IReadOnlyDictionary<EvictionSignal, SignalReading> Read();

    Task<LocalStorageUse> LocalStorageAsync(Timonier.Api.Core.V1.Pod pod, RuntimePod runtime, CancellationToken cancellationToken);
}

/// <param name="imageRoot">A directory on the file system that holds images and writable layers.</param>
internal sealed class NodeSignals(ICri cri, PodDirectories directories, string imageRoot) : INodeSignals
{
    public IReadOnlyDictionary<EvictionSignal, SignalReading> Read()
    {
        var readings = new Dictionary<EvictionSignal, SignalReading>();
        // The kernel's own estimate of what can be had without swapping. Upstream computes free plus inactive cache, which is less than can be reclaimed.
        var memory = File.ReadLines("/proc/meminfo").Select(l => l.Split((char[])[' ', ':'], StringSplitOptions.RemoveEmptyEntries)).Where(f => f[0] is "MemTotal" or "MemAvailable")
            .ToDictionary(f => f[0], f => long.Parse(f[1], CultureInfo.InvariantCulture) * 1024);
        readings[EvictionSignal.MemoryAvailable] = new(memory["MemAvailable"], memory["MemTotal"]);
        readings[EvictionSignal.PidAvailable] = Pids();
        Add(directories.Root, EvictionSignal.NodeFsAvailable, EvictionSignal.NodeFsInodesFree);
        Add(imageRoot, EvictionSignal.ImageFsAvailable, EvictionSignal.ImageFsInodesFree);
        return readings;

        void Add(string path, EvictionSignal bytes, EvictionSignal inodes)
        {
            if (!Directory.Exists(path))
                return;
            var use = Native.FileSystem(path);
            readings[bytes] = new(use.BytesAvailable, use.Bytes);
            // Some file systems (btrfs) have no fixed number of inodes and say 0.
            if (use.Inodes > 0)
                readings[inodes] = new(use.InodesFree, use.Inodes);
        }
    }

    public async Task<LocalStorageUse> LocalStorageAsync(Timonier.Api.Core.V1.Pod pod, RuntimePod runtime, CancellationToken cancellationToken)
    {
        var empty = pod.Spec.Volumes.Where(v => v.EmptyDir is { Medium: "" }).ToDictionary(v => v.Name, v => BytesBelow(directories.Volume(pod.Metadata.Uid, "empty-dir", v.Name)), StringComparer.Ordinal);
        var containers = new Dictionary<string, long>(StringComparer.Ordinal);
        var layers = (await cri.ListContainerStatsAsync(cancellationToken)).ToDictionary(s => s.Attributes.Id, s => (long)(s.WritableLayer?.UsedBytes?.Value ?? 0), StringComparer.Ordinal);
        foreach (var container in runtime.Containers.DistinctBy(c => c.Name))
            containers[container.Name] = layers.GetValueOrDefault(container.Id) + BytesBelow(Path.Combine(directories.Logs(pod), container.Name));
        return new(empty, containers);
    }

    // A thread of the system takes a process id as a process does; /proc/loadavg's fourth field is running/all.
    private static SignalReading Pids()
    {
        var max = Math.Min(Number("/proc/sys/kernel/pid_max"), Number("/proc/sys/kernel/threads-max"));
        var used = long.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[3].Split('/')[1], CultureInfo.InvariantCulture);
        return new(max - used, max);
    }

    private static long Number(string path) => long.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);

    private static long BytesBelow(string directory)
    {
        if (!Directory.Exists(directory))
            return 0;
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        long sum = 0;
        foreach (var path in Directory.EnumerateFiles(directory, "*", all))
            sum += Native.DiskBytes(path);
        return sum;
    }
}

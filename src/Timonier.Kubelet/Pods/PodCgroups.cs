using System.Globalization;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Containerd;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// The cgroups above the containers: <c>ROOT[/besteffort|/burstable]/podUID</c>, with the pod's own limits. The runtime makes the containers'
/// below. Upstream: cm/pod_container_manager_linux.go. Thread-safe.
/// </summary>
/// <param name="root">E.g. <c>/kubepods</c>, below the mount of each controller.</param>
/// <param name="mount">Where the cgroups are mounted.</param>
internal sealed class PodCgroups(string root, CgroupMode mode, string mount = HostProbe.CgroupMount)
{
    // Where v1 keeps one hierarchy per controller; cpu and cpuacct are often one.
    private static readonly string[] V1Controllers = ["cpu", "cpuacct", "memory", "pids", "cpuset", "devices", "freezer", "blkio", "hugetlb", "net_cls", "net_prio", "perf_event", "systemd", "misc", "rdma"];

    /// <summary>The path that a sandbox names as its parent.</summary>
    public string Path(Pod pod) => PodResources.QosClass(pod) switch
    {
        "Guaranteed" => $"{root}/pod{pod.Metadata.Uid}",
        "BestEffort" => $"{root}/besteffort/pod{pod.Metadata.Uid}",
        _ => $"{root}/burstable/pod{pod.Metadata.Uid}",
    };

    /// <summary>Makes the pod's cgroup and writes its limits.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public string Create(Pod pod)
    {
        var path = Path(pod);
        var (milliCpu, milliCpuLimit, memoryLimit) = PodResources.ForPod(pod);
        var shares = PodResources.CpuShares(milliCpu);
        var quota = milliCpuLimit is { } limit ? PodResources.CpuQuota(limit) : 0;
        if (mode == CgroupMode.V1)
            CreateV1(path, shares, quota, memoryLimit);
        else
            CreateV2(path, shares, quota, memoryLimit);
        return path;
    }

    /// <summary>Takes the pod's own limits away, so that its containers' limits can be changed in any order.</summary>
    public void Lift(Pod pod)
    {
        var path = Path(pod);
        if (mode == CgroupMode.V2)
        {
            File.WriteAllText(mount + path + "/cpu.max", "max");
            File.WriteAllText(mount + path + "/memory.max", "max");
            return;
        }
        Write($"{mount}/cpu{path}", "cpu.cfs_quota_us", -1);
        Write($"{mount}/memory{path}", "memory.limit_in_bytes", -1);
    }

    private void CreateV1(string path, long shares, long quota, long? memoryLimit)
    {
        var cpu = Directory.CreateDirectory(mount + "/cpu" + path).FullName;
        Write(cpu, "cpu.shares", shares);
        if (quota > 0)
        {
            Write(cpu, "cpu.cfs_period_us", PodResources.QuotaPeriodMicroseconds);
            Write(cpu, "cpu.cfs_quota_us", quota);
        }
        var memory = Directory.CreateDirectory(mount + "/memory" + path).FullName;
        if (memoryLimit is { } bytes and > 0)
            Write(memory, "memory.limit_in_bytes", bytes);
    }

    private void CreateV2(string path, long shares, long quota, long? memoryLimit)
    {
        // A controller works in a cgroup only when every one above it passes it on.
        var current = mount;
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var available = File.ReadAllText(current + "/cgroup.controllers").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            File.WriteAllText(current + "/cgroup.subtree_control", string.Join(' ', available.Select(c => "+" + c)));
            current = Directory.CreateDirectory($"{current}/{part}").FullName;
        }
        Write(current, "cpu.weight", PodResources.CpuWeight(shares));
        if (quota > 0)
            File.WriteAllText(current + "/cpu.max", string.Create(CultureInfo.InvariantCulture, $"{quota} {PodResources.QuotaPeriodMicroseconds}"));
        if (memoryLimit is { } bytes and > 0)
            Write(current, "memory.max", bytes);
    }

    /// <summary>Removes a pod's cgroup, whichever class it had. One that still has processes stays: the runtime is not done with it.</summary>
    public void Remove(string podUid)
    {
        foreach (var parent in (string[])[root, root + "/besteffort", root + "/burstable"])
            RemovePath($"{parent}/pod{podUid}");
    }

    private void RemovePath(string path)
    {
        foreach (var hierarchy in mode == CgroupMode.V2 ? [mount] : V1Controllers.Select(c => $"{mount}/{c}").Append(mount + "/unified"))
        {
            if (!Directory.Exists(hierarchy + path))
                continue;
            try
            {
                foreach (var child in Directory.GetDirectories(hierarchy + path))
                    Directory.Delete(child);
                Directory.Delete(hierarchy + path);
            }
            catch (IOException)
            {
                // Busy: an empty cgroup that stays costs nothing, and has the pod's uid as its name.
            }
        }
    }

    private static void Write(string directory, string file, long value) =>
        File.WriteAllText($"{directory}/{file}", value.ToString(CultureInfo.InvariantCulture));
}

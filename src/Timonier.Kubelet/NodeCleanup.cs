using Microsoft.Extensions.Logging;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet;

/// <summary>Takes a node down without its kubelet: containers, containerd, mounts, cgroups. What is not there is no fault.</summary>
public static class NodeCleanup
{
    private const string Cgroups = "/sys/fs/cgroup";

    /// <param name="rootDirectory">The kubelet's: volumes mounted below it are unmounted.</param>
    /// <param name="cgroupRoot">As in <see cref="KubeletOptions.CgroupRoot"/>.</param>
    public static async Task RunAsync(ContainerdOptions containerd, string rootDirectory, string cgroupRoot, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (File.Exists(containerd.SocketPath))
        {
            using var channel = new GrpcChannel(containerd.SocketPath, time);
            await StopPodsAsync(new CriClient(channel), logger, cancellationToken);
            await new ContainerdSupervisor(containerd, channel, time, logger).StopAsync(cancellationToken);
        }
        foreach (var mount in MountsBelow(rootDirectory).Concat(MountsBelow(containerd.StateDirectory)).Concat(MountsBelow(containerd.RootDirectory)))
            Native.Unmount(mount);
        foreach (var directory in Directory.EnumerateDirectories(Cgroups).Append(Cgroups).Select(d => d + cgroupRoot))
            RemoveCgroup(directory);
    }

    private static async Task StopPodsAsync(CriClient cri, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var sandbox in await cri.ListPodSandboxAsync(null, cancellationToken))
            {
                await cri.StopPodSandboxAsync(sandbox.Id, cancellationToken);
                await cri.RemovePodSandboxAsync(sandbox.Id, cancellationToken);
            }
        }
        catch (CriException e)
        {
            logger.LogWarning("containerd does not stop its pods: {Message}", e.Message);
        }
    }

    /// <summary>Inner mounts first: /proc/self/mounts lists them in the order in which they were made.</summary>
    private static IEnumerable<string> MountsBelow(string directory) => File.ReadLines("/proc/self/mounts")
        .Select(line => line.Split(' ')[1].Replace("\\040", " ", StringComparison.Ordinal))
        .Where(path => path.StartsWith(directory + "/", StringComparison.Ordinal))
        .Reverse().ToList();

    /// <summary>A cgroup is removed by rmdir once its children are (cgroups(7)); one with processes in it stays.</summary>
    private static void RemoveCgroup(string directory)
    {
        if (!Directory.Exists(directory))
            return;
        foreach (var child in Directory.GetDirectories(directory))
            RemoveCgroup(child);
        Native.RemoveDirectory(directory);
    }
}

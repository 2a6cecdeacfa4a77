using System.Text;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Logs;
using Timonier.Kubelet.Volumes;

namespace Timonier.Kubelet.Pods;

/// <summary>Reads what the runtime has of a pod. What cannot change any more (an exited container) is asked for once.</summary>
internal sealed class PodRuntime(ICri cri, PodDirectories directories, string podUid)
{
    // Upstream: MaxContainerTerminationMessageLength and its variants for logs.
    private const int MessageLengthMax = 4096;
    private const int LogTailLengthMax = 2048;
    private const int LogTailLinesMax = 80;

    private readonly Dictionary<string, RuntimeContainer> _exited = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Cri.V1.PodSandboxStatus> _sandboxes = new(StringComparer.Ordinal);

    public async Task<RuntimePod> ReadAsync(CancellationToken cancellationToken)
    {
        var sandboxFilter = new Cri.V1.PodSandboxFilter();
        sandboxFilter.LabelSelector[PodNames.UidLabel] = podUid;
        var containerFilter = new Cri.V1.ContainerFilter();
        containerFilter.LabelSelector[PodNames.UidLabel] = podUid;
        var sandboxList = cri.ListPodSandboxAsync(sandboxFilter, cancellationToken);
        var containerList = await cri.ListContainersAsync(containerFilter, cancellationToken);
        var sandboxes = new List<RuntimeSandbox>();
        foreach (var sandbox in await sandboxList)
            sandboxes.Add(RuntimePod.FromCri(sandbox, await SandboxStatusAsync(sandbox, cancellationToken)));
        var containers = new List<RuntimeContainer>();
        foreach (var container in containerList)
        {
            if (await ContainerAsync(container.Id, cancellationToken) is { } known)
                containers.Add(known);
        }
        Forget(containerList.Select(c => c.Id), sandboxes.Select(s => s.Id));
        return RuntimePod.From(sandboxes, containers);
    }

    // The addresses of a sandbox never change.
    private async Task<Cri.V1.PodSandboxStatus?> SandboxStatusAsync(Cri.V1.PodSandbox sandbox, CancellationToken cancellationToken)
    {
        if (_sandboxes.TryGetValue(sandbox.Id, out var known) || sandbox.State != Cri.V1.PodSandboxState.SandboxReady)
            return known;
        try
        {
            return _sandboxes[sandbox.Id] = await cri.PodSandboxStatusAsync(sandbox.Id, cancellationToken);
        }
        catch (CriException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task<RuntimeContainer?> ContainerAsync(string id, CancellationToken cancellationToken)
    {
        if (_exited.TryGetValue(id, out var known))
            return known;
        try
        {
            var status = await cri.ContainerStatusAsync(id, cancellationToken);
            var container = RuntimePod.FromCri(status);
            if (container.State == RuntimeState.Exited)
                _exited[id] = container = container with { Message = Message(container, status) };
            return container;
        }
        catch (CriException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private void Forget(IEnumerable<string> containers, IEnumerable<string> sandboxes)
    {
        foreach (var id in _exited.Keys.Except(containers).ToArray())
            _exited.Remove(id);
        foreach (var id in _sandboxes.Keys.Except(sandboxes).ToArray())
            _sandboxes.Remove(id);
    }

    /// <summary>What the container left behind as its last words, else the runtime's message.</summary>
    private string Message(RuntimeContainer container, Cri.V1.ContainerStatus status)
    {
        var policy = status.Annotations.TryGetValue(PodNames.MessagePolicyAnnotation, out var value) ? value : "";
        var text = "";
        try
        {
            var path = ContainerMounts.MessagePath(directories, podUid, container.Name, container.RestartCount);
            if (File.Exists(path))
                text = Encoding.UTF8.GetString(ReadEnd(path, MessageLengthMax));
            if (text.Length == 0 && policy == "FallbackToLogsOnError" && container.ExitCode != 0)
                text = ContainerLog.Tail(container.LogPath, LogTailLinesMax, LogTailLengthMax);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            text = $"Error on reading termination message from logs: {e.Message}";
        }
        return container.Message.Length > 0 && text.Length > 0 ? $"{container.Message}: {text}" : container.Message + text;
    }

    private static byte[] ReadEnd(string path, int lengthMax)
    {
        using var file = File.OpenRead(path);
        if (file.Length > lengthMax)
            file.Seek(-lengthMax, SeekOrigin.End);
        var bytes = new byte[Math.Min(file.Length, lengthMax)];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}

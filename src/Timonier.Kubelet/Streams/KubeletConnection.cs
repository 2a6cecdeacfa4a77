using Timonier.Api.Core.V1;
using Timonier.Client.Node;
using Timonier.Client.Node.Spdy;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Http;
using Timonier.Kubelet.Logs;
using Timonier.Kubelet.Pods;
using Timonier.Kubelet.Stats;

namespace Timonier.Kubelet.Streams;

/// <summary>The node as the API server sees it. Exec, attach and port-forward go through the runtime's streaming server.</summary>
internal sealed class KubeletConnection(KubeletOptions options, PodManager pods, ICri cri, StatsCollector stats, TimeProvider time) : INodeConnection, IStreamAddresses, IDisposable
{
    private readonly LogReader _logs = new(time);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };

    public void Dispose()
    {
        _http.Dispose();
        stats.Dispose();
    }

    public async Task GetLogsAsync(ContainerLogRequest request, Stream output, CancellationToken cancellationToken)
    {
        var (worker, container) = FindContainer(request.PodNamespace, request.PodName, request.Container);
        var current = worker.LastRuntime.Find(container.Name);
        if (request.Previous)
        {
            var previous = current is { IsRunning: false } && IsWaiting(worker, container.Name) ? current : worker.LastRuntime.FindPrevious(container.Name);
            current = previous ?? throw new NodeRequestException(400, $"previous terminated container \"{container.Name}\" in pod \"{request.PodName}\" not found");
        }
        if (current is null || current.State == RuntimeState.Created)
            throw new NodeRequestException(400, $"container \"{container.Name}\" in pod \"{request.PodName}\" is waiting to start: {WaitingReason(worker, container.Name)}");
        if (current.LogPath.Length == 0 || !File.Exists(current.LogPath))
            return;
        var id = current.Id;
        await _logs.CopyAsync(current.LogPath, request, () => worker.LastRuntime.Containers.Any(c => c.Id == id && c.IsRunning), output, cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    Task<Uri> IStreamAddresses.ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken)
    {
        var running = FindRunning(request.PodNamespace, request.PodName, request.Container).Runtime;
        var call = new Cri.V1.ExecRequest { ContainerId = running.Id, Stdin = request.Stdin, Stdout = request.Stdout, Stderr = request.Stderr && !request.Tty, Tty = request.Tty };
        call.Cmd.AddRange(request.Command);
        return StreamingUrlAsync(cri.ExecAsync(call, cancellationToken));
    }

    Task<Uri> IStreamAddresses.AttachAsync(ContainerExecRequest request, CancellationToken cancellationToken)
    {
        var (container, running) = FindRunning(request.PodNamespace, request.PodName, request.Container);
        // A terminal can only be attached to where the container was made with one.
        var call = new Cri.V1.AttachRequest { ContainerId = running.Id, Stdin = request.Stdin, Stdout = request.Stdout, Stderr = request.Stderr && !container.Tty, Tty = container.Tty };
        return StreamingUrlAsync(cri.AttachAsync(call, cancellationToken));
    }

    Task<Uri> IStreamAddresses.PortForwardAsync(string podNamespace, string podName, IReadOnlyList<int> ports, CancellationToken cancellationToken)
    {
        var sandbox = FindPod(podNamespace, podName).LastRuntime.ReadySandbox ?? throw new NodeRequestException(400, $"pod \"{podName}\" is not running");
        var call = new Cri.V1.PortForwardRequest { PodSandboxId = sandbox.Id };
        call.Port.AddRange(ports);
        return StreamingUrlAsync(cri.PortForwardAsync(call, cancellationToken));
    }

    public async Task<RemoteCommandStreams> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken)
    {
        var url = await ((IStreamAddresses)this).ExecAsync(request, cancellationToken);
        return await SpdyRemoteCommand.OpenAsync(_http, url, (request.Stdin, request.Stdout, request.Stderr, request.Tty), cancellationToken);
    }

    public async Task<RemoteCommandStreams> AttachAsync(ContainerAttachRequest request, CancellationToken cancellationToken)
    {
        var tty = FindRunning(request.PodNamespace, request.PodName, request.Container).Container.Tty;
        var asked = new ContainerExecRequest { PodNamespace = request.PodNamespace, PodName = request.PodName, Container = request.Container, Command = [], Stdin = request.Stdin, Stdout = request.Stdout, Stderr = request.Stderr };
        var url = await ((IStreamAddresses)this).AttachAsync(asked, cancellationToken);
        return await SpdyRemoteCommand.OpenAsync(_http, url, (request.Stdin, request.Stdout, request.Stderr, tty), cancellationToken);
    }

    public async Task<PortForwardStreams> PortForwardAsync(string podNamespace, string podName, int port, CancellationToken cancellationToken)
    {
        return await SpdyPortForward.OpenAsync(_http, await ((IStreamAddresses)this).PortForwardAsync(podNamespace, podName, [port], cancellationToken), port, cancellationToken);
    }

    public Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken) => stats.CollectAsync(cancellationToken);

    public async Task<NodeResponse> GetAsync(string pathAndQuery, CancellationToken cancellationToken) => pathAndQuery.Split('?')[0].TrimEnd('/') switch
    {
        "/healthz" => new(200, "text/plain; charset=utf-8", "ok"u8.ToArray()),
        "/pods" or "/runningpods" => new(200, "application/json", KubeletDocuments.Pods(pods.Workers.Select(w => w.Pod with { Status = w.Status }))),
        "/stats/summary" => new(200, "application/json", KubeletDocuments.Summary(await stats.CollectAsync(cancellationToken))),
        "/metrics" => new(200, KubeletMetrics.ContentType, KubeletMetrics.Write(options.NodeName, pods.Workers.Select(w => w.Status))),
        "/metrics/resource" => new(200, KubeletMetrics.ContentType, KubeletMetrics.WriteResources(await stats.CollectAsync(cancellationToken))),
        "/configz" => new(200, "application/json", KubeletDocuments.Config(options)),
        _ => new(404, "text/plain; charset=utf-8", "404 page not found\n"u8.ToArray()),
    };

    private PodWorker FindPod(string podNamespace, string podName) =>
        pods.Find(podNamespace, podName) ?? throw new NodeRequestException(404, $"pods \"{podName}\" not found");

    private (PodWorker Worker, Container Container) FindContainer(string podNamespace, string podName, string name)
    {
        var worker = FindPod(podNamespace, podName);
        var spec = worker.Pod.Spec;
        if (name.Length == 0)
        {
            if (spec.Containers.Count > 1)
                throw new NodeRequestException(400, $"a container name must be specified for pod {podName}, choose one of: [{string.Join(' ', spec.Containers.Select(c => c.Name))}]");
            name = spec.Containers[0].Name;
        }
        return (worker, spec.FindContainer(name)?.Container ?? throw new NodeRequestException(400, $"container {name} is not valid for pod {podName}"));
    }

    private (Container Container, RuntimeContainer Runtime) FindRunning(string podNamespace, string podName, string name)
    {
        var (worker, container) = FindContainer(podNamespace, podName, name);
        return worker.LastRuntime.Find(container.Name) is { IsRunning: true } running
            ? (container, running)
            : throw new NodeRequestException(404, $"container not found (\"{container.Name}\")");
    }

    private static bool IsWaiting(PodWorker worker, string name) => Status(worker, name)?.State.Waiting is not null;

    private static string WaitingReason(PodWorker worker, string name) => Status(worker, name)?.State.Waiting is { Reason.Length: > 0 } waiting ? waiting.Reason : "no logs yet";

    private static ContainerStatus? Status(PodWorker worker, string name) =>
        worker.Status.ContainerStatuses.Concat(worker.Status.InitContainerStatuses).Concat(worker.Status.EphemeralContainerStatuses).FirstOrDefault(s => s.Name == name);

    private static async Task<Uri> StreamingUrlAsync(Task<string> call)
    {
        try
        {
            return new Uri(await call);
        }
        catch (CriException e)
        {
            throw new NodeRequestException(e.IsNotFound ? 404 : 500, e.Message, e);
        }
    }
}

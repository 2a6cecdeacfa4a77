namespace Timonier.Client.Node;

/// <summary>
/// What the API server asks of a node: logs, exec, attach, port-forward, stats and plain GETs on the kubelet's own HTTP API.
/// In the server's own process the kubelet implements it directly; for an agent it is an HTTPS client of port 10250.
/// A refusal that a person must see is a <see cref="NodeRequestException"/>.
/// </summary>
public interface INodeConnection
{
    /// <summary>Writes a container's log to <paramref name="output"/> until its end, or with Follow until the container ends.</summary>
    /// <exception cref="NodeRequestException">404: no such pod or container; 400: the container has not started.</exception>
    Task GetLogsAsync(ContainerLogRequest request, Stream output, CancellationToken cancellationToken);

    /// <summary>Starts a process in a running container. The caller disposes of the streams, which ends the session.</summary>
    Task<RemoteCommandStreams> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken);

    /// <summary>Connects to the main process of a running container.</summary>
    Task<RemoteCommandStreams> AttachAsync(ContainerAttachRequest request, CancellationToken cancellationToken);

    /// <summary>Opens one connection to a port inside the pod's network. The caller disposes of it.</summary>
    Task<PortForwardStreams> PortForwardAsync(string podNamespace, string podName, int port, CancellationToken cancellationToken);

    /// <summary>Usage of the node, its pods and their containers, at most a few seconds old.</summary>
    Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken);

    /// <summary>A GET on the kubelet's HTTP API (<c>/pods</c>, <c>/healthz</c>, <c>/stats/summary</c>, <c>/configz</c>, <c>/metrics</c>, <c>/logs/</c>).</summary>
    Task<NodeResponse> GetAsync(string pathAndQuery, CancellationToken cancellationToken);
}

/// <summary>Finds the way to a node's kubelet; null when the node is not connected.</summary>
public interface INodeConnections
{
    INodeConnection? Find(string nodeName);
}

/// <summary>An answer of the node that is an HTTP error by nature. <see cref="StatusCode"/> is the HTTP status.</summary>
public sealed class NodeRequestException(int statusCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int StatusCode { get; } = statusCode;
}

/// <summary>The query of <c>pods/log</c>. Times and limits are null when the caller did not give them.</summary>
public sealed record ContainerLogRequest
{
    public required string PodNamespace { get; init; }
    public required string PodName { get; init; }

    /// <summary>Empty: the pod's only container.</summary>
    public string Container { get; init; } = "";
    public bool Follow { get; init; }
    public bool Previous { get; init; }
    public bool Timestamps { get; init; }
    public long? TailLines { get; init; }
    public long? LimitBytes { get; init; }
    public DateTimeOffset? SinceTime { get; init; }
    public long? SinceSeconds { get; init; }

    /// <summary>"All", "Stdout" or "Stderr"; null is All.</summary>
    public string? Stream { get; init; }
}

public sealed record ContainerExecRequest
{
    public required string PodNamespace { get; init; }
    public required string PodName { get; init; }
    public string Container { get; init; } = "";
    public required IReadOnlyList<string> Command { get; init; }
    public bool Stdin { get; init; }
    public bool Stdout { get; init; }
    public bool Stderr { get; init; }
    public bool Tty { get; init; }
}

public sealed record ContainerAttachRequest
{
    public required string PodNamespace { get; init; }
    public required string PodName { get; init; }
    public string Container { get; init; } = "";
    public bool Stdin { get; init; }
    public bool Stdout { get; init; }
    public bool Stderr { get; init; }
    public bool Tty { get; init; }
}

/// <summary>
/// One exec or attach session. Streams not asked for are null. Disposing <see cref="Stdin"/> signals end of input.
/// <see cref="Error"/> carries, once the process ends, one <c>Status</c> object as JSON (v4 of the remote command protocol).
/// </summary>
public abstract class RemoteCommandStreams : IAsyncDisposable
{
    public abstract Stream? Stdin { get; }
    public abstract Stream? Stdout { get; }
    public abstract Stream? Stderr { get; }
    public abstract Stream Error { get; }

    /// <summary>Sets the terminal's size; without a terminal it does nothing.</summary>
    public abstract Task ResizeAsync(ushort width, ushort height, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}

/// <summary>One forwarded connection: bytes both ways in <see cref="Data"/>; a failure's text in <see cref="Error"/>.</summary>
public abstract class PortForwardStreams : IAsyncDisposable
{
    public abstract Stream Data { get; }
    public abstract Stream Error { get; }

    /// <summary>No more bytes go to the pod; what it sends can still be read.</summary>
    public abstract ValueTask CompleteDataAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}

public sealed record NodeResponse(int StatusCode, string ContentType, byte[] Body);

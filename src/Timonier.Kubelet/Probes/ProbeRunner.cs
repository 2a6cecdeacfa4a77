using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Probes.Health;

namespace Timonier.Kubelet.Probes;

/// <summary>Makes one attempt of a probe or hook: exec, HTTP, TCP or gRPC. Upstream: pkg/probe.</summary>
internal sealed class ProbeRunner : IDisposable
{
    // Upstream reads at most 10 KiB of an answer or of a command's output.
    private const int OutputLengthMax = 10 * 1024;
    private const int RedirectsMax = 10;

    private readonly ICri _cri;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public ProbeRunner(ICri cri, TimeProvider time)
    {
        (_cri, _time) = (cri, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            // Each attempt connects anew, as upstream's does: a probe must find out that nobody listens any more.
            PooledConnectionLifetime = TimeSpan.Zero,
#pragma warning disable CA5359 // A probe asks whether the container answers; its certificate is made for its clients, not for us (upstream too).
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    public async Task<ProbeOutcome> RunAsync(Probe probe, string podIp, Container container, string containerId, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds));
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            if (probe.Exec is { } exec)
                return await ExecAsync(exec.Command, containerId, timeout, cancellationToken);
            if (probe.HttpGet is { } http)
                return await HttpAsync(http, podIp, container, linked.Token);
            if (probe.TcpSocket is { } tcp)
                return await TcpAsync(tcp.Host.Length > 0 ? tcp.Host : podIp, Port(tcp.Port, container), linked.Token);
            if (probe.Grpc is { } grpc)
                return await GrpcAsync(podIp, grpc, timeout, linked.Token);
            return new(ProbeResult.Unknown, "missing probe handler");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(ProbeResult.Failure, "context deadline exceeded");
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            // A host or port that is none.
            return new(ProbeResult.Unknown, e.Message);
        }
    }

    public async Task<ProbeOutcome> ExecAsync(IReadOnlyList<string> command, string containerId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            var response = await _cri.ExecSyncAsync(containerId, command, timeout, cancellationToken);
            var bytes = response.Stdout.Concat(response.Stderr).Take(OutputLengthMax).ToArray();
            return new(response.ExitCode == 0 ? ProbeResult.Success : ProbeResult.Failure, Encoding.UTF8.GetString(bytes));
        }
        catch (CriException e) when (e.Status == GrpcStatus.DeadlineExceeded || e.Message.Contains("timeout", StringComparison.Ordinal))
        {
            return new(ProbeResult.Failure, $"command timed out: \"{string.Join(' ', command)}\" timed out after {timeout.TotalSeconds:0}s");
        }
        catch (CriException e) when (!e.IsUnavailable && !e.IsNotFound)
        {
            // The command is not there, or may not be executed: that is a failure of the container.
            return new(ProbeResult.Failure, e.Message);
        }
        catch (CriException e)
        {
            return new(ProbeResult.Unknown, e.Message);
        }
    }

    /// <param name="anyStatus">A hook only has to be answered; a probe's answer must be 200 to 399.</param>
    public async Task<ProbeOutcome> HttpAsync(HTTPGetAction action, string podIp, Container container, CancellationToken cancellationToken, bool anyStatus = false)
    {
        var host = action.Host.Length > 0 ? action.Host : podIp;
        var scheme = action.Scheme.Length > 0 ? action.Scheme.ToLowerInvariant() : "http";
        var authority = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        var path = action.Path.StartsWith('/') ? action.Path : "/" + action.Path;
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"{scheme}://{authority}:{Port(action.Port, container)}{path}"));
        try
        {
            for (var i = 0; i < RedirectsMax; i++)
            {
                using var response = await _http.SendAsync(Request(url, action), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                var code = (int)response.StatusCode;
                if (code is >= 300 and < 400 && response.Headers.Location is { } location)
                {
                    var next = new Uri(url, location);
                    // A redirect to elsewhere is an answer of this container, and is not followed.
                    if (next.Host != url.Host)
                        return new(ProbeResult.Success, "Probe terminated redirects");
                    url = next;
                    continue;
                }
                return anyStatus || code is >= 200 and < 400
                    ? new(ProbeResult.Success, "")
                    : new(ProbeResult.Failure, string.Create(CultureInfo.InvariantCulture, $"HTTP probe failed with statuscode: {code}"));
            }
            return new(ProbeResult.Failure, $"Get \"{url}\": stopped after {RedirectsMax} redirects");
        }
        catch (HttpRequestException e)
        {
            return new(ProbeResult.Failure, $"Get \"{url}\": {Cause(e, url.Host, url.Port)}");
        }
        catch (OperationCanceledException)
        {
            return new(ProbeResult.Failure, $"Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        }
    }

    private static HttpRequestMessage Request(Uri url, HTTPGetAction action)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        foreach (var header in action.HttpHeaders)
        {
            if (string.Equals(header.Name, "Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Value;
            else
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        if (!request.Headers.Contains("User-Agent"))
            request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.36");
        if (!request.Headers.Contains("Accept"))
            request.Headers.TryAddWithoutValidation("Accept", "*/*");
        return request;
    }

    private static async Task<ProbeOutcome> TcpAsync(string host, int port, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, cancellationToken);
            return new(ProbeResult.Success, "");
        }
        catch (SocketException e)
        {
            return new(ProbeResult.Failure, $"dial tcp {host}:{port}: {Cause(e)}");
        }
        catch (OperationCanceledException)
        {
            return new(ProbeResult.Failure, $"dial tcp {host}:{port}: i/o timeout");
        }
    }

    private async Task<ProbeOutcome> GrpcAsync(string host, GRPCAction action, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var channel = new GrpcChannel(IPEndPoint.Parse(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{action.Port}" : $"{host}:{action.Port}"), _time);
        try
        {
            var request = new HealthCheckRequest { Service = action.Service ?? "" };
            var response = await channel.CallAsync("grpc.health.v1.Health/Check", request, HealthCheckResponse.Parser, timeout, cancellationToken);
            return response.Status == HealthCheckResponse.Types.ServingStatus.Serving
                ? new(ProbeResult.Success, "service healthy")
                : new(ProbeResult.Failure, $"service unhealthy (responded with \"{Name(response.Status)}\")");
        }
        catch (CriException e)
        {
            return new(ProbeResult.Failure, e.Status switch
            {
                GrpcStatus.Unimplemented => "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)",
                GrpcStatus.DeadlineExceeded => $"timeout: health rpc did not complete within {timeout.TotalSeconds:0}s",
                GrpcStatus.Unavailable => $"timeout: failed to connect service \"{host}:{action.Port}\" within {timeout.TotalSeconds:0}s: {e.Description}",
                _ => $"error: health rpc probe failed: {e.Message}",
            });
        }
    }

    private static string Name(HealthCheckResponse.Types.ServingStatus status) => status switch
    {
        HealthCheckResponse.Types.ServingStatus.NotServing => "NOT_SERVING",
        HealthCheckResponse.Types.ServingStatus.ServiceUnknown => "SERVICE_UNKNOWN",
        _ => "UNKNOWN",
    };

    /// <summary>A port by number, or by the name that the container gives it; 0 when there is no such name.</summary>
    public static int Port(IntOrString port, Container container)
    {
        if (!port.IsString)
            return port.Number;
        if (container.Ports.FirstOrDefault(p => p.Name == port.ToString()) is { } named)
            return named.ContainerPortValue;
        return int.TryParse(port.ToString(), CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    private static string Cause(HttpRequestException e, string host, int port) =>
        e.InnerException is SocketException socket ? $"dial tcp {host}:{port}: {Cause(socket)}" : e.InnerException?.Message ?? e.Message;

    private static string Cause(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connect: connection refused",
        SocketError.HostUnreachable => "connect: no route to host",
        SocketError.TimedOut => "i/o timeout",
        _ => e.Message,
    };
}

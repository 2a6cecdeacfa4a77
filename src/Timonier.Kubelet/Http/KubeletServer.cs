using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Timonier.Api.Errors;
using Timonier.Client;
using Timonier.Client.Node;

namespace Timonier.Kubelet.Http;

/// <summary>What <see cref="KubeletServer"/> is: its own certificate, and the authority of those that clients show.</summary>
public sealed record KubeletTls(X509Certificate2 Certificate, X509Certificate2 ClientAuthority);

/// <summary>The kubelet's own HTTPS port: health, metrics, pods, stats, configuration, logs, and the runtime's streams of exec, attach and port-forward.</summary>
internal sealed class KubeletServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private readonly INodeConnection _node;
    private readonly IStreamAddresses _streams;
    private readonly KubeletAccess _access;
    private readonly ILogger _log;
    private readonly WebApplication _services;
    private readonly IServer _server;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

    public KubeletServer(IPEndPoint listen, KubeletTls tls, INodeConnection node, IStreamAddresses streams, KubeletAccess access, ILogger log)
    {
        (_node, _streams, _access, _log) = (node, streams, access, log);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            kestrel.Limits.MaxConcurrentConnections = 1000;
            kestrel.Listen(listen, l => l.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = tls.Certificate,
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                // Whom a certificate speaks for is KubeletAccess' to say.
                ClientCertificateValidation = static (_, _, _) => true,
            }));
        });
        _services = builder.Build();
        _server = _services.Services.GetRequiredService<IServer>();
    }

    /// <exception cref="IOException">The port is taken.</exception>
    public Task StartAsync(CancellationToken cancel) => _server.StartAsync(this, cancel);

    public int Port => new Uri(_server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()).Port;

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        await _services.DisposeAsync();
        _http.Dispose();
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            if (await _access.AuthenticateAsync(context, context.RequestAborted) is not { } caller)
                await TextAsync(context, 401, "Unauthorized");
            else if (!await _access.AuthorizeAsync(caller, context.Request.Method, context.Request.Path.Value ?? "/", context.RequestAborted))
                await TextAsync(context, 403, Forbidden(context, caller));
            else
                await AnswerAsync(context);
        }
        catch (NodeRequestException e) when (!context.Response.HasStarted)
        {
            await TextAsync(context, e.StatusCode, e.Message);
        }
        catch (ApiException e) when (!context.Response.HasStarted)
        {
            _log.LogWarning("kubelet port: the API server could not be asked: {Message}", e.Message);
            await TextAsync(context, 500, "Authorization error");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has left.
        }
#pragma warning disable CA1031 // The edge of the request: a bug of ours costs this request only.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _log.LogError(e, "kubelet port: {Method} {Path} failed", context.Request.Method, context.Request.Path);
            if (!context.Response.HasStarted)
                await TextAsync(context, 500, "Internal Server Error");
        }
    }

    private Task AnswerAsync(HttpContext context) => (context.Request.Method, (context.Request.Path.Value ?? "/").Split('/', StringSplitOptions.RemoveEmptyEntries)) switch
    {
        ("GET", ["containerLogs", var ns, var pod, var container]) => LogsAsync(context, ns, pod, container),
        ("GET" or "POST", ["exec", var ns, var pod, var container]) => StreamAsync(context, Session(context, ns, pod, container), exec: true),
        ("GET" or "POST", ["attach", var ns, var pod, var container]) => StreamAsync(context, Session(context, ns, pod, container), exec: false),
        ("GET" or "POST", ["portForward", var ns, var pod]) => ForwardAsync(context, ns, pod),
        ("GET", _) => DocumentAsync(context),
        _ => TextAsync(context, 405, "Method Not Allowed"),
    };

    private async Task DocumentAsync(HttpContext context)
    {
        var answer = await _node.GetAsync(context.Request.Path + context.Request.QueryString, context.RequestAborted);
        context.Response.StatusCode = answer.StatusCode;
        context.Response.ContentType = answer.ContentType;
        context.Response.ContentLength = answer.Body.Length;
        await context.Response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }

    private async Task LogsAsync(HttpContext context, string ns, string pod, string container)
    {
        long? Number(string name) => long.TryParse(context.Request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        context.Response.ContentType = "text/plain";
        await _node.GetLogsAsync(new ContainerLogRequest
        {
            PodNamespace = ns, PodName = pod, Container = container, Follow = Flag(context, "follow"), Previous = Flag(context, "previous"), Timestamps = Flag(context, "timestamps"),
            TailLines = Number("tailLines"), LimitBytes = Number("limitBytes"), SinceSeconds = Number("sinceSeconds"),
            SinceTime = DateTimeOffset.TryParse(context.Request.Query["sinceTime"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null,
        }, context.Response.Body, context.RequestAborted);
    }

    /// <summary>Old and new names of the streams: "input" and "stdin".</summary>
    private static ContainerExecRequest Session(HttpContext context, string ns, string pod, string container) => new()
    {
        PodNamespace = ns, PodName = pod, Container = container, Command = [.. context.Request.Query["command"].OfType<string>()], Tty = Flag(context, "tty"),
        Stdin = Flag(context, "input") || Flag(context, "stdin"), Stdout = Flag(context, "output") || Flag(context, "stdout"), Stderr = Flag(context, "error") || Flag(context, "stderr"),
    };

    private async Task StreamAsync(HttpContext context, ContainerExecRequest session, bool exec)
    {
        if (!session.Stdin && !session.Stdout && !session.Stderr)
            throw new NodeRequestException(400, "you must specify at least 1 of stdin, stdout, stderr");
        await TunnelAsync(context, await (exec ? _streams.ExecAsync(session, context.RequestAborted) : _streams.AttachAsync(session, context.RequestAborted)));
    }

    private async Task ForwardAsync(HttpContext context, string ns, string pod)
    {
        int[] ports = [.. context.Request.Query["port"].Select(p => int.TryParse(p, CultureInfo.InvariantCulture, out var port) ? port : 0).Where(p => p is > 0 and < 65536)];
        await TunnelAsync(context, await _streams.PortForwardAsync(ns, pod, ports, context.RequestAborted));
    }

    /// <summary>The runtime's own streaming server speaks SPDY and WebSocket; the bytes go through.</summary>
    private async Task TunnelAsync(HttpContext context, Uri target)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
            throw new NodeRequestException(400, "Upgrade request required");
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), target);
        foreach (var name in (string[])["Upgrade", "X-Stream-Protocol-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"])
        {
            if (context.Request.Headers.TryGetValue(name, out var values))
                request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        using var response = await _http.SendAsync(request, context.RequestAborted);
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            throw new NodeRequestException((int)response.StatusCode, await response.Content.ReadAsStringAsync(context.RequestAborted));
        foreach (var (name, values) in response.Headers)
            context.Response.Headers[name] = values.ToArray();
        await using var client = await upgrade.UpgradeAsync();
        await using var runtime = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var both = new[] { client.CopyToAsync(runtime, ended.Token), runtime.CopyToAsync(client, ended.Token) };
        await Task.WhenAny(both);
        await ended.CancelAsync();
        await Task.WhenAll(both);
    }

    private static bool Flag(HttpContext context, string name) => context.Request.Query[name].ToString() is "1" or "true" or "True" or "TRUE" or "t" or "T";

    private static string Forbidden(HttpContext context, KubeletAccess.Caller caller)
    {
        var (verb, subresource) = KubeletAccess.Attributes(context.Request.Method, context.Request.Path.Value ?? "/");
        return $"Forbidden (user={caller.Name}, verb={verb}, resource=nodes, subresource({subresource}))";
    }

    private static Task TextAsync(HttpContext context, int code, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = code;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}

/// <summary>Where the runtime serves the streams of a session.</summary>
internal interface IStreamAddresses
{
    Task<Uri> ExecAsync(ContainerExecRequest request, CancellationToken cancellationToken);

    /// <param name="request">Without a command.</param>
    Task<Uri> AttachAsync(ContainerExecRequest request, CancellationToken cancellationToken);

    Task<Uri> PortForwardAsync(string podNamespace, string podName, IReadOnlyList<int> ports, CancellationToken cancellationToken);
}

using System.CommandLine;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Timonier.Cli.Tests;

/// <summary>exec, logs and port-forward against a server that plays the kubelet's part.</summary>
public sealed class StreamTests : IAsyncLifetime
{
    private const string Pod = """{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[{"name":"c"},{"name":"side"}]},"status":{"phase":"Running"}}""";

    private readonly WebApplication _server;
    private readonly List<string> _asked = [];
    private Func<WebSocket, Task> _play = _ => Task.CompletedTask;

    public StreamTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.UseWebSockets();
        _server.Run(async context =>
        {
            lock (_asked)
                _asked.Add(context.Request.Path + context.Request.QueryString);
            if (context.WebSockets.IsWebSocketRequest)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols[0]);
                await _play(socket);
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
            }
            else if (context.Request.Path.Value!.EndsWith("/log", StringComparison.Ordinal))
                await context.Response.WriteAsync($"first of {context.Request.Query["container"]}\nsecond\n");
            else
                await context.Response.WriteAsync(Pod);
        });
    }

    public Task InitializeAsync() => _server.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private async Task<CliResult> RunAsync(string[] arguments, string input = "")
    {
        using var bytes = new MemoryStream();
        using var output = new StreamWriter(bytes, leaveOpen: true) { AutoFlush = true };
        using var error = new StringWriter();
        var root = new RootCommand();
        KubectlCommands.AddTo(root, new CliEnvironment
        {
            Out = output, Error = error, OutBytes = bytes, In = new MemoryStream(Encoding.UTF8.GetBytes(input)), CurrentDirectory = "/", Variable = name => name == "HOME" ? "/nowhere" : null,
        });
        var code = await root.Parse([.. arguments[..1], "--server=" + _server.Urls.First(), .. arguments[1..]]).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return new CliResult(code, Encoding.UTF8.GetString(bytes.ToArray()), error.ToString());
    }

    private static Task SendAsync(WebSocket socket, byte channel, string text) => socket.SendAsync(new byte[] { channel }.Concat(Encoding.UTF8.GetBytes(text)).ToArray(), WebSocketMessageType.Binary, true, default);

    [Fact]
    public async Task Exec_SplitsStreamsAndGivesTheExitCode()
    {
        _play = async socket =>
        {
            await SendAsync(socket, 1, "out\n");
            await SendAsync(socket, 2, "wrong\n");
            await SendAsync(socket, 3, """{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}""");
        };
        var result = await RunAsync(["exec", "p", "-c", "side", "--", "sh", "-c", "a b"]);
        Assert.Equal((7, "out\n", "wrong\ncommand terminated with exit code 7\n"), (result.Code, result.Out, result.Error));
        Assert.Contains("/api/v1/namespaces/default/pods/p/exec?container=side&command=sh&command=-c&command=a%20b&stdin=false&stdout=true&stderr=true&tty=false", _asked);
    }

    [Fact]
    public async Task Exec_PassesStdinAndItsEnd()
    {
        _play = async socket =>
        {
            var (buffer, heard) = (new byte[1024], new StringBuilder());
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer, default);
                // 255 with a channel's number: the end of that channel.
                if (buffer[0] == 255 && buffer[1] == 0)
                    break;
                heard.Append(Encoding.UTF8.GetString(buffer, 1, got.Count - 1));
            }
            await SendAsync(socket, 1, heard.ToString().ToUpperInvariant());
            await SendAsync(socket, 3, """{"status":"Success"}""");
        };
        var result = await RunAsync(["exec", "-i", "p", "-c", "c", "--", "cat"], "hello");
        Assert.Equal((0, "HELLO"), (result.Code, result.Out));
    }

    [Fact]
    public async Task Exec_CommandThatCannotStart_IsAnError()
    {
        _play = socket => SendAsync(socket, 3, """{"status":"Failure","message":"no such file","reason":"InternalError","code":500}""");
        var result = await RunAsync(["exec", "p", "-c", "c", "--", "nope"]);
        Assert.Equal(1, result.Code);
        Assert.Contains("no such file", result.Error);
    }

    [Fact]
    public async Task Logs_OfAllContainers_WithPrefixAndLimits()
    {
        var result = await RunAsync(["logs", "p", "--all-containers", "--prefix", "--tail=5", "--since=2m", "--timestamps"]);
        Assert.Equal("[pod/p/c] first of c\n[pod/p/c] second\n[pod/p/side] first of side\n[pod/p/side] second\n", result.Out);
        Assert.Contains("/api/v1/namespaces/default/pods/p/log?container=side&timestamps=true&tailLines=5&sinceSeconds=120", _asked);
    }

    [Fact]
    public async Task Logs_WithoutContainer_TellsWhichItTakes()
    {
        var result = await RunAsync(["logs", "p"]);
        Assert.Equal(("first of c\nsecond\n", "Defaulted container \"c\" out of: c, side\n"), (result.Out, result.Error));
        Assert.Contains("container nope is not valid for pod p", (await RunAsync(["logs", "p", "-c", "nope"])).Error);
    }
}

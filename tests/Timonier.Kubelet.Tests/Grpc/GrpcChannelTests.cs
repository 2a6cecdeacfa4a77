using System.Buffers.Binary;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Cri.V1;

namespace Timonier.Kubelet.Tests.Grpc;

/// <summary>The channel against a server of the same protocol that answers each method by its name.</summary>
public sealed class GrpcChannelTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("timonier-grpc-");
    private WebApplication? _server;
    private GrpcChannel? _channel;

    public async Task InitializeAsync()
    {
        var socket = Path.Combine(_directory.FullName, "s");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(socket, l => l.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.Run(AnswerAsync);
        await _server.StartAsync();
        _channel = new GrpcChannel(socket, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _channel!.Dispose();
        await _server!.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        var method = context.Request.Path.Value!.TrimStart('/');
        if (method == "hang")
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        if (method == "notFound")
        {
            context.Response.Headers["grpc-status"] = "5";
            context.Response.Headers["grpc-message"] = "no %22x%22";
            return;
        }
        for (var i = 0; i < (method == "three" ? 3 : method == "two" ? 2 : 1); i++)
            await WriteAsync(context, new VersionResponse { Version = $"v{i}" });
        context.Response.AppendTrailer("grpc-status", method == "late" ? "14" : "0");
    }

    private static async Task WriteAsync(HttpContext context, VersionResponse message)
    {
        var bytes = new byte[5 + message.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), message.CalculateSize());
        message.WriteTo(bytes.AsSpan(5));
        await context.Response.Body.WriteAsync(bytes);
        await context.Response.Body.FlushAsync();
    }

    private Task<VersionResponse> CallAsync(string method, TimeSpan? timeout = null) =>
        _channel!.CallAsync(method, new VersionRequest(), VersionResponse.Parser, timeout ?? TimeSpan.FromSeconds(30), CancellationToken.None);

    [Fact]
    public async Task OneResponse_IsReturned() => Assert.Equal("v0", (await CallAsync("one")).Version);

    [Theory]
    [InlineData("notFound", GrpcStatus.NotFound)]
    [InlineData("late", GrpcStatus.Unavailable)]
    [InlineData("two", GrpcStatus.Internal)]
    public async Task Failure_HasItsStatus(string method, GrpcStatus expected) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<CriException>(() => CallAsync(method))).Status);

    [Fact]
    public async Task Message_IsInUpstreamsForm() =>
        Assert.Equal("rpc error: code = NotFound desc = no \"x\"", (await Assert.ThrowsAsync<CriException>(() => CallAsync("notFound"))).Message);

    [Fact]
    public async Task NoAnswer_IsDeadlineExceeded() =>
        Assert.Equal(GrpcStatus.DeadlineExceeded, (await Assert.ThrowsAsync<CriException>(() => CallAsync("hang", TimeSpan.FromMilliseconds(100)))).Status);

    [Fact]
    public async Task NoSocket_IsUnavailable()
    {
        using var channel = new GrpcChannel(Path.Combine(_directory.FullName, "nobody"), TimeProvider.System);
        var e = await Assert.ThrowsAsync<CriException>(() => channel.CallAsync(
            "one", new VersionRequest(), VersionResponse.Parser, TimeSpan.FromSeconds(30), CancellationToken.None));
        Assert.True(e.IsUnavailable);
    }

    [Fact]
    public async Task Stream_GivesEachMessageThenEnds()
    {
        var versions = new List<string>();
        await foreach (var message in _channel!.StreamAsync("three", new VersionRequest(), VersionResponse.Parser, null, CancellationToken.None))
            versions.Add(message.Version);
        Assert.Equal(["v0", "v1", "v2"], versions);
    }
}

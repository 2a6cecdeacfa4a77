using System.Buffers.Binary;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Content;

namespace Timonier.ApiServer.Tests.Encryption;

/// <summary>A KMS plugin on a unix socket: "seals" by turning bytes around, so that a test sees what it did. What it does may be changed while it runs.</summary>
internal sealed class FakeKms : IAsyncDisposable
{
    private WebApplication? _server;

    public FakeKms(string socket) => Socket = socket;

    public string Socket { get; }

    public string KeyId { get; set; } = "1";

    public string Healthz { get; set; } = "ok";

    /// <summary>By method.</summary>
    public Dictionary<string, int> Calls { get; } = new() { ["Status"] = 0, ["Encrypt"] = 0, ["Decrypt"] = 0 };

    /// <summary>Instead of an answer: a gRPC status and its text; -1 leaves the caller waiting, -2 sends what is no message.</summary>
    public (int Code, string Text)? Fails { get; set; }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket, l => l.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.Run(AnswerAsync);
        await _server.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        File.Delete(Socket);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var request = WireFields.Parse(body.ToArray().AsSpan(5));
        var method = context.Request.Path.Value!.Split('/')[^1];
        lock (Calls)
            Calls[method]++;
        context.Response.ContentType = "application/grpc";
        if (Fails is { Code: -1 })
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        if (Fails is { Code: > 0 } failure)
        {
            context.Response.AppendTrailer("grpc-status", failure.Code.ToString(System.Globalization.CultureInfo.InvariantCulture));
            context.Response.AppendTrailer("grpc-message", Uri.EscapeDataString(failure.Text));
            return;
        }
        var answer = (method switch
        {
            "Status" => new WireFields().Add(1, "v2").Add(2, Healthz).Add(3, KeyId),
            "Encrypt" => new WireFields().Add(1, Turned(request.Bytes(1))).Add(2, KeyId).AddAll(3, [new WireFields().Add(1, "kms.example.com").Add(2, "note").Encode()]),
            // The annotation must come back as it was given.
            _ => request.All(4) is [var note] && WireFields.Parse(note).Text(2) == "note" ? new WireFields().Add(1, Turned(request.Bytes(1))) : new WireFields(),
        }).Encode();
        var frame = new byte[5 + answer.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), Fails is { Code: -2 } ? 9999 : answer.Length);
        answer.CopyTo(frame, 5);
        await context.Response.Body.WriteAsync(frame);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static byte[] Turned(byte[] bytes) => [.. bytes.Select(b => (byte)~b)];

    public async ValueTask DisposeAsync() => await StopAsync();
}

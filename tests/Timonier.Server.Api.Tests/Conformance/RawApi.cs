using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>Requests to the server's process as its administrator, in JSON.</summary>
public sealed class RawApi : IAsyncLifetime, IDisposable
{
    private TimonierServer? _server;
    private HttpTransport? _transport;

    public async Task InitializeAsync()
    {
        _server = await TimonierServer.StartAsync("--no-node");
        _transport = new HttpTransport(KubeconfigFile.Load([_server.Kubeconfig]).Resolve().Transport, TimeProvider.System);
    }

    public async Task<(int Code, JsonMap Body)> SendAsync(string method, string path, string? body = null, string contentType = ApiRequest.Json)
    {
        var response = await _transport!.SendAsync(Request(method, path, ApiRequest.Json) with { Body = Encoding.UTF8.GetBytes(body ?? ""), ContentType = contentType }, CancellationToken.None);
        return (response.Status, JsonParser.ParseMap(response.Body.ToArray()));
    }

    /// <summary>As somebody else than the administrator: by token, certificate or impersonation.</summary>
    public async Task<(int Code, JsonMap Body)> SendAsAsync(Func<HttpTransportOptions, HttpTransportOptions> who, string method, string path, string? body = null)
    {
        using var transport = new HttpTransport(who(KubeconfigFile.Load([_server!.Kubeconfig]).Resolve().Transport), TimeProvider.System);
        var response = await transport.SendAsync(Request(method, path, ApiRequest.Json) with { Body = Encoding.UTF8.GetBytes(body ?? "") }, CancellationToken.None);
        return (response.Status, JsonParser.ParseMap(response.Body.ToArray()));
    }

    /// <summary>As <see cref="SendAsync"/>, for requests that must succeed.</summary>
    public async Task<JsonMap> OkAsync(string method, string path, string? body = null, string contentType = ApiRequest.Json)
    {
        var (code, answer) = await SendAsync(method, path, body, contentType);
        Assert.True(code is >= 200 and < 300, $"{method} {path}: {code} {Text(answer)}");
        return answer;
    }

    public Task<JsonMap> PatchAsync(string path, string body) => OkAsync("PATCH", path, body, "application/merge-patch+json");

    /// <summary>The bytes of a GET in another form than JSON.</summary>
    public async Task<byte[]> ReadAsync(string path, string accept) => (await _transport!.SendAsync(Request("GET", path, accept), CancellationToken.None)).Body.ToArray();

    /// <summary>Reads, changes and writes back, again when another writer came between, as upstream's RetryOnConflict.</summary>
    public async Task<JsonMap> UpdateAsync(string path, Action<JsonMap> change)
    {
        for (var attempt = 0; ; attempt++)
        {
            var obj = await OkAsync("GET", path);
            change(obj);
            var (code, answer) = await SendAsync("PUT", path, Text(obj));
            if (code == 409 && attempt < 10)
                continue;
            Assert.True(code == 200, $"PUT {path}: {code} {Text(answer)}");
            return answer;
        }
    }

    /// <summary>The types of a watch's events, up to the first DELETED; it waits for that at most half a minute.</summary>
    public async Task<List<WatchEventType>> WatchUntilDeletedAsync(string path)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        var types = new List<WatchEventType>();
        await foreach (var change in _transport!.WatchAsync(Request("GET", path, ApiRequest.Json), limit.Token))
        {
            types.Add(change.Type);
            if (change.Type == WatchEventType.Deleted)
                break;
        }
        return types;
    }

    public Task GoneAsync(string path) => UntilAsync(async () => (await SendAsync("GET", path)).Code == 404, path + " goes");

    /// <summary>Waits for what a loop must bring about.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, [CallerArgumentExpression(nameof(holds))] string what = "")
    {
        for (var i = 0; i < 600; i++)
        {
            if (await holds())
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        Assert.Fail("never: " + what);
    }

    /// <summary>Is everything of <paramref name="expected"/> in <paramref name="actual"/>? Lists item by item.</summary>
    public static bool Holds(object? actual, object? expected) => (actual, expected) switch
    {
        (JsonMap map, JsonMap part) => part.All(p => Holds(map[p.Key], p.Value)),
        (JsonList list, JsonList part) => list.Count == part.Count && list.Zip(part).All(p => Holds(p.First, p.Second)),
        _ => Equals(actual, expected),
    };

    public static string Text(object? value) => Encoding.UTF8.GetString(JsonEncoder.Encode(value));

    public void Dispose() => _transport?.Dispose();

    public async Task DisposeAsync()
    {
        Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private static ApiRequest Request(string method, string path, string accept)
    {
        var mark = path.IndexOf('?', StringComparison.Ordinal);
        return new() { Method = method, Path = mark < 0 ? path : path[..mark], Query = mark < 0 ? "" : path[(mark + 1)..], Accept = accept };
    }
}

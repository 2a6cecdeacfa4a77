using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Store;

namespace Timonier.ApiServer.Tests;

/// <summary>A server on a free port over a store in memory, and a client of it. No authentication, everything allowed, unless told otherwise.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private static readonly ApiSchema Schema = new();

    private readonly IStore _store;
    private readonly ApiServer _server;

    private TestServer(IStore store, ApiServer server, HttpClient http) => (_store, _server, Http) = (store, server, http);

    public HttpClient Http { get; }

    public IStore Store => _store;

    public ApiServer Server => _server;

    /// <param name="created">Gets the server before it starts.</param>
    public static async Task<TestServer> StartAsync(Func<ApiServerOptions, ApiServerOptions>? change = null, Action<ApiServer>? created = null)
    {
        var store = EmbeddedStore.InMemory(TimeProvider.System);
        var options = new ApiServerOptions { Schema = Schema, Store = store, Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        var server = new ApiServer(change?.Invoke(options) ?? options, NullLoggerFactory.Instance);
        created?.Invoke(server);
        await server.StartAsync();
        var http = new HttpClient { BaseAddress = new Uri($"http://{server.Endpoint}"), Timeout = TimeSpan.FromSeconds(30) };
        return new TestServer(store, server, http);
    }

    public async Task<(int Code, JsonMap Body)> SendAsync(string method, string path, string? body = null, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        using var response = await Http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        // What is nobody's path is answered as text.
        var text = response.Content.Headers.ContentType?.MediaType == "text/plain";
        return ((int)response.StatusCode, text ? new JsonMap { ["message"] = Encoding.UTF8.GetString(bytes) } : JsonParser.ParseMap(bytes));
    }

    /// <summary>As <see cref="SendAsync"/>, for requests that must succeed.</summary>
    public async Task<JsonMap> OkAsync(string method, string path, string? body = null, string contentType = "application/json")
    {
        var (code, answer) = await SendAsync(method, path, body, contentType);
        Assert.True(code is >= 200 and < 300, $"{method} {path}: {code} {Encoding.UTF8.GetString(JsonEncoder.Encode(answer))}");
        return answer;
    }

    /// <summary>A GET with an Accept header.</summary>
    public async Task<JsonMap> ReadAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Http.SendAsync(request);
        return JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync());
    }

    /// <summary>The events of a watch, as they come.</summary>
    public async IAsyncEnumerable<JsonMap> WatchAsync(string path)
    {
        await using var stream = await Http.GetStreamAsync(path);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync() is { } line)
            yield return JsonParser.ParseMap(Encoding.UTF8.GetBytes(line));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
    }
}

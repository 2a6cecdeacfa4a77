using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.Network.Tests;

/// <summary>Lists and watches of a few resources, filled by the test. The last word of a path names the resource.</summary>
internal sealed class FakeApi : IApiTransport
{
    private readonly Dictionary<string, List<IKind>> _objects = [];
    private readonly Dictionary<string, Channel<(WatchEventType, IKind)>> _watches = [];
    private int _revision = 1;

    public List<ApiRequest> Writes { get; } = [];

    /// <summary>Before the start: part of the first list.</summary>
    public void Has<T>(T value) where T : class, IKind<T> => Objects(T.Resource.Resource).Add(Stamp(value));

    public void Send<T>(WatchEventType type, T value) where T : class, IKind<T> =>
        Assert.True(Watch(T.Resource.Resource).Writer.TryWrite((type, Stamp(value))));

    public Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        if (request.Method != "GET")
        {
            lock (Writes)
                Writes.Add(request);
            return Task.FromResult(new ApiResponse(200, ApiRequest.Json, new ReadOnlySequence<byte>(request.Body)));
        }
        var items = string.Join(',', Objects(Resource(request)).Select(Encode));
        return Task.FromResult(new ApiResponse(200, ApiRequest.Json, Bytes($$"""{"metadata":{"resourceVersion":"1"},"items":[{{items}}]}""")));
    }

    public async IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (type, value) in Watch(Resource(request)).Reader.ReadAllAsync(cancellationToken))
            yield return new RawWatchEvent(type, Bytes(Encode(value)));
    }

    private T Stamp<T>(T value) where T : class, IKind<T> =>
        value.WithMetadata(value.Metadata with { Uid = value.Metadata.Namespace + value.Metadata.Name, ResourceVersion = $"{_revision++}" });

    private List<IKind> Objects(string resource)
    {
        lock (_objects)
            return _objects.TryGetValue(resource, out var objects) ? objects : _objects[resource] = [];
    }

    private Channel<(WatchEventType, IKind)> Watch(string resource)
    {
        lock (_watches)
            return _watches.TryGetValue(resource, out var watch) ? watch : _watches[resource] = Channel.CreateBounded<(WatchEventType, IKind)>(64);
    }

    private static string Resource(ApiRequest request) => request.Path.Split('/')[^1];

    private static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    private static string Encode(IKind value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            value.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}

using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Client;

namespace Timonier.Testing.Fakes;

/// <summary>
/// An API server in memory for tests of loops: revisions, conflicts, status apart from spec, generation, generateName,
/// finalizers, selectors, merge patches, watches. It knows no kind and validates nothing. Answers come synchronously, and a
/// watch gets its event before the write returns, so that a test of loops runs in one thread.
/// </summary>
public sealed class FakeApi(TimeProvider time) : IApiTransport
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonMap> _objects = new(StringComparer.Ordinal);
    private readonly List<(string Path, RawWatchEvent Event, long Revision, JsonMap Object)> _history = [];
    private readonly List<(string Path, Selection Selection, Channel<RawWatchEvent> Channel)> _watches = [];
    private long _revision = 1;
    private int _uids;

    /// <summary>Asked before each request; what it answers is the answer. For failures.</summary>
    public Func<ApiRequest, ApiException?> Refuse { get; set; } = _ => null;

    /// <summary>A deleted pod stays, with its deletion timestamp, until it is deleted with grace period 0.</summary>
    public bool PodsLinger { get; set; }

    /// <summary>"POST /api/v1/namespaces/default/pods", ... in order.</summary>
    public IReadOnlyList<string> Writes => _writes;

    private readonly List<string> _writes = [];

    public Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        try
        {
            if (Refuse(request) is { } refusal)
                throw refusal;
            lock (_lock)
                return Task.FromResult(Answer(request.Method == "POST" ? 201 : 200, Serve(request)));
        }
        catch (ApiException e)
        {
            return Task.FromResult(Answer(e.Code, e.ToStatus()));
        }
    }

    public async IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Unbounded on purpose: a test's events are few, and a writer must never wait for its own reader.
        var channel = Channel.CreateUnbounded<RawWatchEvent>(new() { AllowSynchronousContinuations = true, SingleReader = true });
        var query = Selection.Parse(request.Query);
        var watch = (request.Path, query, channel);
        lock (_lock)
        {
            foreach (var (path, change, revision, value) in _history)
            {
                if (revision > query.Revision && Under(request.Path, path) && query.Matches(value))
                    channel.Writer.TryWrite(change);
            }
            _watches.Add(watch);
        }
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
                yield return change;
        }
        finally
        {
            lock (_lock)
                _watches.Remove(watch);
        }
    }

    /// <summary>Ends all watches, as a server does that restarts.</summary>
    /// <param name="error">What the watches end with; null: nothing.</param>
    public void EndWatches(ApiException? error = null)
    {
        List<Channel<RawWatchEvent>> open;
        lock (_lock)
            open = [.. _watches.Select(w => w.Channel)];
        foreach (var channel in open)
            Inline.Run(() => { channel.Writer.TryComplete(error); });
    }

    private JsonMap Serve(ApiRequest request)
    {
        var target = Target.Parse(request.Path);
        if (request.Method != "GET")
            _writes.Add($"{request.Method} {request.Path}");
        return (request.Method, target.Name.Length > 0) switch
        {
            ("GET", true) => Find(target),
            ("GET", false) => List(target, Selection.Parse(request.Query)),
            ("POST", false) => Create(target, JsonParser.ParseMap(request.Body.Span)),
            ("PUT", true) => Update(target, JsonParser.ParseMap(request.Body.Span)),
            ("PATCH", true) => Patch(target, request),
            ("DELETE", true) => Delete(target, request.Body.IsEmpty ? [] : JsonParser.ParseMap(request.Body.Span)),
            ("DELETE", false) => DeleteAll(target, Selection.Parse(request.Query)),
            ("POST", true) when target.Subresource == "eviction" => Delete(target, JsonParser.ParseMap(request.Body.Span).GetMap("deleteOptions") ?? []),
            ("POST", true) when target.Subresource == "binding" => Bind(target, JsonParser.ParseMap(request.Body.Span)),
            _ => throw ApiException.MethodNotSupported(target.Resource.Group, target.Resource.Resource, request.Method),
        };
    }

    private JsonMap Find(Target target) => _objects.GetValueOrDefault(target.ObjectPath) ?? throw ApiException.NotFound(target.Resource.Group, target.Resource.Resource, target.Name);

    private JsonMap List(Target target, Selection selection)
    {
        var items = new JsonList(_objects.Where(o => Under(target.CollectionPath, o.Key) && selection.Matches(o.Value)).Select(o => o.Value));
        return new() { ["kind"] = "List", ["apiVersion"] = "v1", ["metadata"] = new JsonMap { ["resourceVersion"] = Text(_revision) }, ["items"] = items };
    }

    private JsonMap Create(Target target, JsonMap value)
    {
        var metadata = value.EnsureMap("metadata");
        var name = metadata.GetString("name") ?? "";
        if (name.Length == 0)
            metadata["name"] = name = metadata.GetString("generateName") + Text(_uids).PadLeft(5, 'x');
        if (target.Namespace.Length > 0)
            metadata["namespace"] = target.Namespace;
        target = target with { Name = name };
        if (_objects.ContainsKey(target.ObjectPath))
            throw ApiException.AlreadyExists(target.Resource.Group, target.Resource.Resource, name);
        metadata["uid"] = metadata.GetString("uid") is { Length: > 0 } uid ? uid : $"uid-{++_uids}";
        metadata["creationTimestamp"] ??= Now();
        metadata["generation"] = 1L;
        return Store(WatchEventType.Added, target.ObjectPath, value);
    }

    private JsonMap Update(Target target, JsonMap value)
    {
        var old = Find(target);
        var (metadata, oldMetadata) = (value.EnsureMap("metadata"), old.GetMap("metadata")!);
        if (metadata.GetString("resourceVersion") is { Length: > 0 } revision && revision != oldMetadata.GetString("resourceVersion"))
            throw ApiException.Modified(target.Resource.Group, target.Resource.Resource, target.Name);
        if (metadata.GetString("uid") is { Length: > 0 } uid && uid != oldMetadata.GetString("uid"))
            throw ApiException.Conflict(target.Resource.Group, target.Resource.Resource, target.Name, "Precondition failed: UID in precondition differs");
        var next = target.Subresource == "status" ? old.DeepClone() : value;
        if (target.Subresource == "status")
            next["status"] = value["status"];
        else if (old.ContainsKey("status") && target.Subresource.Length == 0 && target.Resource.Resource != "pods")
            next["status"] = old["status"];
        var nextMetadata = next.EnsureMap("metadata");
        foreach (var kept in new[] { "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "name", "namespace" })
        {
            if (oldMetadata.ContainsKey(kept))
                nextMetadata[kept] = oldMetadata[kept];
        }
        if (!JsonTree.DeepEquals(old["spec"], next["spec"]))
            nextMetadata["generation"] = oldMetadata.GetInteger("generation") + 1;
        nextMetadata["resourceVersion"] = oldMetadata["resourceVersion"];
        if (JsonTree.DeepEquals(old, next))
            return old;
        if (nextMetadata["deletionTimestamp"] is not null && !IsHeld(next) && !(PodsLinger && target.Resource.Resource == "pods"))
            return Remove(target.ObjectPath, next);
        return Store(WatchEventType.Modified, target.ObjectPath, next);
    }

    private JsonMap Patch(Target target, ApiRequest request)
    {
        var next = Find(target).DeepClone();
        Merge(next, JsonParser.ParseMap(request.Body.Span));
        return Update(target, next);
    }

    private static void Merge(JsonMap into, JsonMap patch)
    {
        foreach (var (key, value) in patch)
        {
            if (key.StartsWith("$deleteFromPrimitiveList/", StringComparison.Ordinal))
                into.GetList(key.Split('/')[1])?.RemoveAll(item => ((JsonList)value!).Contains(item));
            else if (value is null)
                into.Remove(key);
            else if (value is JsonMap map)
                Merge(into.EnsureMap(key), map);
            else
                into[key] = value;
        }
    }

    private JsonMap Delete(Target target, JsonMap options)
    {
        var old = Find(target);
        var metadata = old.GetMap("metadata")!;
        if (options.GetMap("preconditions") is { } wanted)
        {
            foreach (var (key, value) in wanted)
            {
                if (!Equals(metadata[key], value))
                    throw ApiException.Conflict(target.Resource.Group, target.Resource.Resource, target.Name, $"Precondition failed: {key} in precondition: {value}");
            }
        }
        var lingers = PodsLinger && target.Resource.Resource == "pods" && options.GetInteger("gracePeriodSeconds") != 0;
        if (!lingers && !IsHeld(old))
            return Remove(target.ObjectPath, old);
        if (metadata["deletionTimestamp"] is not null)
            return old;
        var next = old.DeepClone();
        next.EnsureMap("metadata")["deletionTimestamp"] = Now();
        return Store(WatchEventType.Modified, target.ObjectPath, next);
    }

    /// <summary>Finalizers hold an object; a namespace has some in its spec too.</summary>
    private static bool IsHeld(JsonMap value) =>
        value.GetMap("metadata")?.GetList("finalizers") is { Count: > 0 } || value.GetMap("spec")?.GetList("finalizers") is { Count: > 0 };

    private JsonMap DeleteAll(Target target, Selection selection)
    {
        foreach (var path in _objects.Where(o => Under(target.CollectionPath, o.Key) && selection.Matches(o.Value)).Select(o => o.Key).ToArray())
            Delete(Target.Parse(path), []);
        return new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["status"] = "Success" };
    }

    private JsonMap Bind(Target target, JsonMap binding)
    {
        var next = Find(target).DeepClone();
        next.EnsureMap("spec")["nodeName"] = binding.GetMap("target")!["name"];
        return Store(WatchEventType.Modified, target.ObjectPath, next);
    }

    private JsonMap Remove(string path, JsonMap last)
    {
        _objects.Remove(path);
        last = last.DeepClone();
        Tell(WatchEventType.Deleted, path, last);
        return last;
    }

    private JsonMap Store(WatchEventType type, string path, JsonMap value)
    {
        _objects[path] = value;
        Tell(type, path, value);
        return value;
    }

    private void Tell(WatchEventType type, string path, JsonMap value)
    {
        value.EnsureMap("metadata")["resourceVersion"] = Text(++_revision);
        var change = new RawWatchEvent(type, new ReadOnlySequence<byte>(JsonEncoder.Encode(value)));
        _history.Add((path, change, _revision, value));
        foreach (var (watched, selection, channel) in _watches.ToArray())
        {
            if (Under(watched, path) && selection.Matches(value))
                Inline.Run(() => { channel.Writer.TryWrite(change); });
        }
    }

    /// <summary>Is the object in the collection? A collection of all namespaces holds those of each.</summary>
    private static bool Under(string collection, string path)
    {
        var (c, o) = (Target.Parse(collection), Target.Parse(path));
        return c.Resource == o.Resource && (c.Namespace.Length == 0 || c.Namespace == o.Namespace);
    }

    private string Now() => time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static ApiResponse Answer(int status, JsonMap body) => new(status, ApiRequest.Json, new ReadOnlySequence<byte>(JsonEncoder.Encode(body)));
}

using Microsoft.Extensions.Logging;
using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Verbs;
using Timonier.Store;

namespace Timonier.ApiServer.CustomResources;

/// <summary>
/// Keeps the table of what is served in step with the CustomResourceDefinitions: names accepted or in conflict, established, served,
/// emptied and gone. Level-triggered: each round looks at all definitions.
/// </summary>
internal sealed class DefinitionLoop(ServerCore core, WritePath writes, DeletePath deletes, ILogger log) : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly WebhookCaller _webhooks = new(core.Reader, core.Time);

    /// <summary>By name: what is served now, from which generation of the definition.</summary>
    private readonly Dictionary<string, Serving> _serving = new(StringComparer.Ordinal);

    private sealed record Serving(string Uid, long Generation, CustomResource Definition, IReadOnlyList<ServedResource> Resources, CancellationTokenSource Removed);

    private ResourceStore Definitions => core.Registry.Table.StoresByResource[("apiextensions.k8s.io", "customresourcedefinitions")];

    /// <summary>What is established already is served before the first request.</summary>
    public void Start() => Serve(Read());

    public async Task RunAsync(CancellationToken cancel)
    {
        var watcher = Definitions.Events;
        var group = watcher.Join(Cache.Interest.Everything);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var position = watcher.End;
                await ReconcileAsync(cancel);
                await watcher.WaitAsync(position, group, new Cache.WatchWait()).AsTask().WaitAsync(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is ApiException or StoreException)
            {
                log.LogWarning(e, "custom resource definitions could not be brought in step, trying again");
                await Task.Delay(RetryAfter, core.Time, cancel);
            }
        }
    }

    public void Dispose() => _webhooks.Dispose();

    private List<JsonMap> Read() =>
        [.. core.Store.Current.Range(Definitions.Range("")).Select(e => new EncodedObject(e).Parse()).OrderBy(d => d.GetPath("metadata", "creationTimestamp") as string, StringComparer.Ordinal)];

    private async Task ReconcileAsync(CancellationToken cancel)
    {
        var definitions = Read();
        foreach (var definition in definitions)
        {
            var status = DefinitionStatus.Next(definition, definitions, core.Time.GetUtcNow());
            if (!JsonTree.DeepEquals(status, definition["status"]))
                await WriteStatusAsync(definition, status, cancel);
        }
        definitions = Read();
        Serve(definitions);
        foreach (var definition in definitions.Where(d => d.GetPath("metadata", "deletionTimestamp") is not null))
            await EmptyAsync(definition, cancel);
    }

    private async Task WriteStatusAsync(JsonMap definition, JsonMap status, CancellationToken cancel)
    {
        var wanted = definition.DeepClone();
        wanted["status"] = status;
        await WriteAsync(wanted, "status", cancel);
        definition["status"] = status;
    }

    private async Task WriteAsync(JsonMap wanted, string subresource, CancellationToken cancel)
    {
        try
        {
            await writes.RunAsync(new DefinitionWrite { Scope = Scope(wanted, subresource), Resource = Definitions, Wanted = wanted }, cancel);
        }
        catch (ApiException e) when (e.IsConflict || e.IsNotFound)
        {
            // It changed meanwhile: that change brings the next round.
        }
    }

    private RequestScope Scope(JsonMap definition, string subresource) => new()
    {
        User = Authentication.UserInfo.Loopback, Resource = Definitions.Schema, Verb = "update", Name = (string)definition.GetPath("metadata", "name")!,
        Subresource = subresource, Now = core.Time.GetUtcNow(), FieldManager = "timonier",
    };

    private static long Generation(JsonMap definition) => definition.GetPath("metadata", "generation") as long? ?? 0;

    /// <summary>Puts a table in place that has every established definition, and no other.</summary>
    private void Serve(List<JsonMap> definitions)
    {
        core.Dispatcher.Exclusively(revision =>
        {
            var wanted = definitions.Where(DefinitionStatus.IsEstablished).ToDictionary(d => (string)d.GetPath("metadata", "name")!);
            var changed = false;
            foreach (var (name, old) in _serving.ToArray())
            {
                if (wanted.TryGetValue(name, out var same) && old.Uid == same.GetPath("metadata", "uid") as string && old.Generation == Generation(same))
                    continue;
                _serving.Remove(name);
                old.Removed.Cancel();
                changed = true;
            }
            foreach (var (name, definition) in wanted.Where(w => !_serving.ContainsKey(w.Key)))
            {
                var compiled = CustomResource.Compile(definition, core.Options.Schema);
                var removed = new CancellationTokenSource();
                _serving[name] = new Serving((string)definition.GetPath("metadata", "uid")!, Generation(definition), compiled, [.. CustomTable.Served(compiled, Generation(definition) > 1, _webhooks, core, revision, removed.Token)], removed);
                changed = true;
            }
            foreach (var serving in _serving)
            {
                foreach (var strategy in serving.Value.Resources.Select(r => r.Store!.Strategy).OfType<CustomStrategy>())
                    strategy.Terminating = wanted[serving.Key].GetPath("metadata", "deletionTimestamp") is not null;
            }
            if (!changed)
                return;
            core.Registry.ServeCustom(_serving.Values.SelectMany(s => s.Resources));
            core.Options.CustomResourcesChanged?.Invoke([.. _serving.Values.Select(s => s.Definition)]);
        });
    }

    /// <summary>Deletes the objects of a definition that is going; when none is left, lets it go.</summary>
    private async Task EmptyAsync(JsonMap definition, CancellationToken cancel)
    {
        var name = (string)definition.GetPath("metadata", "name")!;
        if (definition.GetPath("metadata", "finalizers") is not JsonList finalizers || !finalizers.Contains(DefinitionStrategy.Finalizer))
            return;
        if (_serving.TryGetValue(name, out var serving) && serving.Resources.Count > 0)
        {
            var resource = serving.Resources[0].Store!;
            var waits = false;
            foreach (var entry in core.Store.Current.Range(resource.Range("")))
            {
                var (ns, one) = resource.Split(entry.Key);
                var scope = Scope(definition, "") with { Resource = resource.Schema, Verb = "delete", Namespace = ns, Name = one };
                try
                {
                    waits |= !(await deletes.RunAsync(scope, resource, new DeleteOptions(), cancel)).Removed;
                }
                catch (ApiException e) when (e.IsNotFound)
                {
                    // Gone already.
                }
            }
            if (waits)
            {
                // Finalizers of its objects hold it: their going is no change of a definition, so look again.
                await Task.Delay(RetryAfter, core.Time, cancel);
                throw ApiException.Conflict("apiextensions.k8s.io", "customresourcedefinitions", name, "its objects wait for their finalizers");
            }
        }
        var released = definition.DeepClone();
        released.GetMap("metadata")!["finalizers"] = new JsonList(finalizers.Where(f => f is not DefinitionStrategy.Finalizer));
        await WriteAsync(released, "", cancel);
    }

    private sealed class DefinitionWrite : Write
    {
        public required JsonMap Wanted { get; init; }

        public override bool RetriesConflicts => false;

        public override JsonMap? Produce(JsonMap? old) => old is null ? null : Wanted.DeepClone();
    }
}

using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl get --watch: what is there, then each change as a row or an object, until interrupted.</summary>
internal sealed class GetWatch(CliCall call, OutputFlags output, ServerTable table, ListOptions selection, string? @namespace)
{
    public async Task<int> RunAsync(IReadOnlyList<ResourceTarget> targets, bool changesOnly, CancellationToken cancel)
    {
        if (targets is not [var target])
            throw new CliException("you may only specify a single resource type");
        var options = target.Name is { } name ? selection with { FieldSelector = "metadata.name=" + name } : selection;
        var path = ResourcePath.For(target.Resource.Resource, target.Resource.Namespaced ? @namespace : "");
        var accept = output.IsTable(call) ? ServerTable.Accept : ApiRequest.Json;
        var query = QueryText.Of(("labelSelector", options.LabelSelector), ("fieldSelector", options.FieldSelector));
        var list = await call.Cluster.SendAsync("GET", path, query, null, cancel, accept: accept);
        if (!changesOnly)
            Print(target.Resource, list);
        else if (output.IsTable(call))
            table.Add(list, [], "");
        var version = (string?)list.GetPath("metadata", "resourceVersion") ?? "";
        while (!cancel.IsCancellationRequested)
        {
            var request = new ApiRequest { Method = "GET", Path = path, Accept = accept, Query = Join(query, QueryText.Of(("watch", "1"), ("resourceVersion", version), ("allowWatchBookmarks", "true"))) };
            await foreach (var change in call.Cluster.Transport.WatchAsync(request, cancel))
            {
                var obj = JsonParser.ParseMap(System.Buffers.BuffersExtensions.ToArray(change.Object));
                if (change.Type == WatchEventType.Error)
                    throw Api.Errors.ApiException.FromStatus(500, obj);
                version = VersionOf(obj) ?? version;
                if (change.Type != WatchEventType.Bookmark)
                    Print(target.Resource, obj);
            }
        }
        return 0;
    }

    private static string Join(string a, string b) => a.Length == 0 ? b : a + "&" + b;

    private static string? VersionOf(JsonMap obj) => obj.GetString("kind") == "Table"
        ? (obj.GetList("rows") is [JsonMap row, ..] ? (string?)(row["object"] as JsonMap)?.GetPath("metadata", "resourceVersion") : null) ?? (string?)obj.GetPath("metadata", "resourceVersion")
        : (string?)obj.GetPath("metadata", "resourceVersion");

    private void Print(MappedResource resource, JsonMap obj)
    {
        if (output.IsTable(call))
        {
            table.Add(obj, (obj.GetList("rows") ?? []).OfType<JsonMap>(), resource.Named + "/");
            table.Flush();
        }
        else
        {
            IEnumerable<JsonMap> items = obj.GetList("items") is { } list ? list.OfType<JsonMap>() : [obj];
            foreach (var item in items)
                output.Write(call, item, [ResourceArguments.Wrap(resource, item)]);
        }
        call.Out.Flush();
    }
}

using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl get.</summary>
internal sealed class GetVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore, Description = "TYPE[.VERSION][.GROUP] [NAME ...] | TYPE/NAME ..." };
    private readonly OutputFlags _output = new();
    private readonly SelectionFlags _selection = new();
    private readonly ManifestFlags _manifests = new();
    private readonly Option<bool> _watch = new("--watch", "-w") { Description = "After listing/getting the requested object, watch for changes." };
    private readonly Option<bool> _watchOnly = new("--watch-only") { Description = "Watch for changes to the requested object(s), without listing/getting first." };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "When using the default output format, don't print headers." };
    private readonly Option<bool> _showLabels = new("--show-labels") { Description = "When printing, show all labels as the last column." };
    private readonly Option<bool> _showKind = new("--show-kind") { Description = "If present, list the resource type for the requested object(s)." };
    private readonly Option<string[]> _labelColumns = new("--label-columns", "-L") { Description = "Labels that are going to be presented as columns." };
    private readonly Option<string?> _sortBy = new("--sort-by") { Description = "Sort list types by this field specification, a JSONPath expression." };
    private readonly Option<bool> _ignoreNotFound = new("--ignore-not-found") { Description = "Return zero exit code when a requested object is not found." };
    private readonly Option<string?> _subresource = new("--subresource") { Description = "If specified, gets the subresource of the requested object." };
    private readonly Option<string?> _raw = new("--raw") { Description = "Raw URI to request from the server." };
    private readonly Option<long> _chunkSize = new("--chunk-size") { Description = "Return large lists in chunks." };

    public Command Create() => shell.Verb("get", "Display one or many resources", RunAsync,
        [_words, .. _output.Symbols, .. _selection.Symbols, .. _manifests.Symbols, _watch, _watchOnly, _noHeaders, _showLabels, _showKind, _labelColumns, _sortBy, _ignoreNotFound, _subresource, _raw, _chunkSize]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_raw) is { } raw)
            return await RawAsync(call, raw, cancel);
        if (call.Get(_words).Length == 0 && !_manifests.Given(call))
            throw new CliException("Required resource not specified.\nUse \"timonier api-resources\" for a complete list of supported resources.\nSee 'timonier get -h' for help and examples");
        var targets = await TargetsAsync(call, cancel);
        if (call.Get(_watch) || call.Get(_watchOnly))
            return await new GetWatch(call, _output, Table(call, targets), _selection.Options(call), Namespace(call)).RunAsync(targets, call.Get(_watchOnly), cancel);
        return _output.IsTable(call) ? await TablesAsync(call, targets, cancel) : await ObjectsAsync(call, targets, cancel);
    }

    private string? Namespace(CliCall call) => _selection.Namespace(call);

    private async Task<IReadOnlyList<ResourceTarget>> TargetsAsync(CliCall call, CancellationToken cancel)
    {
        if (!_manifests.Given(call))
            return await ResourceArguments.ParseAsync(call.Cluster.Mapper, call.Get(_words), cancel);
        var targets = new List<ResourceTarget>();
        foreach (var manifest in await _manifests.ReadAsync(call, cancel))
            targets.Add(new(await call.Cluster.Mapper.OfKindAsync(manifest.ApiVersion, manifest.Kind, manifest.Source, cancel), manifest.Name));
        return targets;
    }

    private static async Task<int> RawAsync(CliCall call, string raw, CancellationToken cancel)
    {
        var question = raw.IndexOf('?');
        var response = await call.Cluster.Client.SendAsync(new ApiRequest { Method = "GET", Path = question < 0 ? raw : raw[..question], Query = question < 0 ? "" : raw[(question + 1)..], Accept = "*/*" }, cancel);
        foreach (var part in response.Body)
            await call.Environment.OutBytes.WriteAsync(part, cancel);
        await call.Environment.OutBytes.FlushAsync(cancel);
        return 0;
    }

    private ServerTable Table(CliCall call, IReadOnlyList<ResourceTarget> targets) => new(
        call.Out, _output.Format(call) == "wide", call.Get(_noHeaders), Namespace(call) is null && targets[0].Resource.Namespaced,
        call.Get(_showKind) || targets.Select(t => t.Resource).Distinct().Count() > 1, call.Get(_showLabels), [.. (call.Get(_labelColumns) ?? []).SelectMany(l => l.Split(','))]);

    private async Task<int> TablesAsync(CliCall call, IReadOnlyList<ResourceTarget> targets, CancellationToken cancel)
    {
        var (printed, failed) = (0, false);
        foreach (var group in targets.GroupBy(t => t.Resource))
        {
            var table = Table(call, targets);
            var rows = 0;
            foreach (var target in group)
            {
                try
                {
                    rows += Add(table, group.Key, await FetchAsync(call, target, ServerTable.Accept, cancel), call);
                }
                catch (ApiException e) when (target.Name is not null && (e.IsNotFound || group.Count() > 1))
                {
                    if (e.IsNotFound && call.Get(_ignoreNotFound))
                        continue;
                    table.Flush();
                    call.Error.WriteLine(CliShell.Describe(e, call));
                    failed = true;
                }
            }
            if (rows == 0)
                continue;
            if (printed > 0)
                call.Out.WriteLine();
            table.Flush();
            printed += rows;
        }
        if (printed == 0 && !failed && targets.All(t => t.Name is null) && !call.Get(_ignoreNotFound))
            call.Error.WriteLine(Namespace(call) is { } place && targets.Any(t => t.Resource.Namespaced) ? $"No resources found in {place} namespace." : "No resources found");
        return failed ? 1 : 0;
    }

    private int Add(ServerTable table, MappedResource resource, JsonMap answer, CliCall call)
    {
        if (answer.GetString("kind") != "Table")
            answer = PlainTable(answer, call);
        IEnumerable<JsonMap> rows = (answer.GetList("rows") ?? []).OfType<JsonMap>();
        if (call.Get(_sortBy) is { } path)
            rows = Sorting.By(rows, path, row => row["object"]);
        var list = rows.ToList();
        if (list.Count > 0)
            table.Add(answer, list, resource.Named + "/");
        return list.Count;
    }

    /// <summary>For a server that makes no tables: name and age.</summary>
    private static JsonMap PlainTable(JsonMap answer, CliCall call)
    {
        var now = call.Environment.Time.GetUtcNow();
        IEnumerable<JsonMap> items = answer.GetList("items") is { } list ? list.OfType<JsonMap>() : [answer];
        return new JsonMap
        {
            ["columnDefinitions"] = new JsonList { new JsonMap { ["name"] = "Name" }, new JsonMap { ["name"] = "Age" } },
            ["rows"] = new JsonList(items.Select(i => new JsonMap { ["cells"] = new JsonList { i.GetPath("metadata", "name"), CliText.Age(i.GetPath("metadata", "creationTimestamp"), now) }, ["object"] = i })),
        };
    }

    private async Task<int> ObjectsAsync(CliCall call, IReadOnlyList<ResourceTarget> targets, CancellationToken cancel)
    {
        var objects = new List<ResourceObject>();
        foreach (var target in targets)
        {
            try
            {
                if (call.Get(_subresource) is not null)
                    objects.Add(ResourceArguments.Wrap(target.Resource, await FetchAsync(call, target, ApiRequest.Json, cancel)));
                else
                    objects.AddRange(await ResourceArguments.ReadAsync(call.Cluster, [target], Namespace(call), _selection.Options(call), cancel));
            }
            catch (ApiException e) when (e.IsNotFound && call.Get(_ignoreNotFound))
            {
            }
        }
        if (call.Get(_sortBy) is { } path)
            objects = [.. Sorting.By(objects, path, o => o.Object)];
        if (targets is [{ Name: not null }] && objects is [var single])
            _output.Write(call, single.Object, objects, call.Get(_noHeaders));
        else if (targets is not [{ Name: not null }])
            _output.Write(call, OutputFlags.ListOf(objects.Select(o => o.Object)), objects, call.Get(_noHeaders));
        return 0;
    }

    private async Task<JsonMap> FetchAsync(CliCall call, ResourceTarget target, string accept, CancellationToken cancel)
    {
        var place = target.Resource.Namespaced ? Namespace(call) : "";
        if (target.Name is not null && place is null)
            throw new CliException("a resource cannot be retrieved by name across all namespaces");
        var selection = target.Name is null ? _selection.Options(call) : new ListOptions();
        var query = QueryText.Of(("labelSelector", selection.LabelSelector), ("fieldSelector", selection.FieldSelector), ("includeObject", call.Get(_sortBy) is null ? null : "Object"));
        return await call.Cluster.SendAsync("GET", ResourcePath.For(target.Resource.Resource, place, target.Name, call.Get(_subresource)), query, null, cancel, accept: accept);
    }
}

using System.CommandLine;
using System.Globalization;
using Timonier.Api;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl top node, kubectl top pod: from the metrics API.</summary>
internal sealed class TopVerb(CliShell shell)
{
    private const long Mebi = 1024 * 1024;

    private readonly Argument<string> _name = new("name") { DefaultValueFactory = _ => "" };
    private readonly SelectionFlags _selection = new();
    private readonly Option<bool> _containers = new("--containers") { Description = "If present, print usage of containers within a pod." };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "If present, print output without headers." };
    private readonly Option<string?> _sortBy = new("--sort-by") { Description = "If non-empty, sort list using specified field. The field can be either 'cpu' or 'memory'." };

    public Command Create()
    {
        var node = shell.Verb("node", "Display resource (CPU/memory) usage of nodes", NodesAsync, [_name, .. _selection.Symbols, _noHeaders, _sortBy]);
        node.Aliases.Add("nodes");
        var pod = shell.Verb("pod", "Display resource (CPU/memory) usage of pods", PodsAsync, [_name, .. _selection.Symbols, _containers, _noHeaders, _sortBy]);
        pod.Aliases.Add("pods");
        pod.Aliases.Add("po");
        return CliShell.Group("top", "Display resource (CPU/memory) usage", node, pod);
    }

    private sealed record Usage(IReadOnlyList<string> Names, Quantity Cpu, Quantity Memory);

    private static Quantity Amount(JsonMap? usage, string resource) => usage?.GetString(resource) is { } text && Quantity.TryParse(text, out var value) ? value : Quantity.Zero;

    private async Task<IReadOnlyList<JsonMap>> MetricsAsync(CliCall call, string resource, string? place, CancellationToken cancel)
    {
        var kind = new Api.Schema.GroupVersionResource("metrics.k8s.io", "v1beta1", resource);
        try
        {
            return call.Get(_name) is { Length: > 0 } name ? [await call.Cluster.Client.GetTreeAsync(kind, place ?? "", name, cancellationToken: cancel)]
                : (await call.Cluster.Client.ListTreesAsync(kind, place, _selection.Options(call), cancel)).Items;
        }
        catch (Api.Errors.ApiException e) when (e.Code is 404 && e.Details?.GetString("kind") is null)
        {
            throw new CliException("Metrics API not available");
        }
    }

    private async Task<int> NodesAsync(CliCall call, CancellationToken cancel)
    {
        var metrics = await MetricsAsync(call, "nodes", "", cancel);
        var nodes = (await call.Cluster.Client.ListTreesAsync(new("", "v1", "nodes"), cancellationToken: cancel)).Items.ToDictionary(n => (string)n.GetPath("metadata", "name")!);
        var table = new TextTable(call.Out);
        if (!call.Get(_noHeaders))
            table.Add("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)");
        foreach (var usage in Sorted(call, metrics.Select(m => new Usage([(string)m.GetPath("metadata", "name")!], Amount(m.GetMap("usage"), "cpu"), Amount(m.GetMap("usage"), "memory")))))
        {
            var allocatable = nodes.GetValueOrDefault(usage.Names[0])?.GetPath("status", "allocatable") as JsonMap;
            table.Add(usage.Names[0], Cpu(usage.Cpu), Percent(usage.Cpu, Amount(allocatable, "cpu")), Memory(usage.Memory), Percent(usage.Memory, Amount(allocatable, "memory")));
        }
        table.Flush();
        return 0;
    }

    private async Task<int> PodsAsync(CliCall call, CancellationToken cancel)
    {
        var place = _selection.Namespace(call);
        var metrics = await MetricsAsync(call, "pods", place, cancel);
        if (metrics.Count == 0)
            call.Error.WriteLine(place is null ? "No resources found" : $"No resources found in {place} namespace.");
        var table = new TextTable(call.Out);
        string[] lead = [.. place is null ? new[] { "NAMESPACE" } : [], .. call.Get(_containers) ? new[] { "POD", "NAME" } : ["NAME"]];
        if (!call.Get(_noHeaders) && metrics.Count > 0)
            table.Add([.. lead, "CPU(cores)", "MEMORY(bytes)"]);
        foreach (var usage in Sorted(call, metrics.SelectMany(m => Usages(m, place is null, call.Get(_containers)))))
            table.Add([.. usage.Names, Cpu(usage.Cpu), Memory(usage.Memory)]);
        table.Flush();
        return 0;
    }

    private static IEnumerable<Usage> Usages(JsonMap pod, bool withNamespace, bool perContainer)
    {
        string[] names = [.. withNamespace ? new[] { (string)pod.GetPath("metadata", "namespace")! } : [], (string)pod.GetPath("metadata", "name")!];
        var containers = (pod.GetList("containers") ?? []).OfType<JsonMap>().Select(c => (Name: c.GetString("name") ?? "", Cpu: Amount(c.GetMap("usage"), "cpu"), Memory: Amount(c.GetMap("usage"), "memory"))).ToList();
        if (perContainer)
            return containers.Select(c => new Usage([.. names, c.Name], c.Cpu, c.Memory));
        return [new Usage(names, containers.Aggregate(Quantity.Zero, (sum, c) => sum + c.Cpu), containers.Aggregate(Quantity.Zero, (sum, c) => sum + c.Memory))];
    }

    private IEnumerable<Usage> Sorted(CliCall call, IEnumerable<Usage> usages) => call.Get(_sortBy) switch
    {
        "cpu" => usages.OrderByDescending(u => u.Cpu),
        "memory" => usages.OrderByDescending(u => u.Memory),
        _ => usages.OrderBy(u => string.Join('/', u.Names), StringComparer.Ordinal),
    };

    private static string Cpu(Quantity value) => value.MilliValue.ToString(CultureInfo.InvariantCulture) + "m";

    private static string Memory(Quantity value) => (value.Value / Mebi).ToString(CultureInfo.InvariantCulture) + "Mi";

    private static string Percent(Quantity used, Quantity of) => of.IsZero ? "<unknown>" : ((long)(used.ToDouble() / of.ToDouble() * 100)).ToString(CultureInfo.InvariantCulture) + "%";
}

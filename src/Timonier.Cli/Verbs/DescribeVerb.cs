using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Describing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl describe: an object in words, with its events.</summary>
internal sealed class DescribeVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly Option<long> _chunkSize = new("--chunk-size") { Description = "Return large lists in chunks." };
    private readonly Option<bool> _showEvents = new("--show-events") { DefaultValueFactory = _ => true, Description = "If true, display events related to the described object." };

    public Command Create() => shell.Verb("describe", "Show details of a specific resource or group of resources", RunAsync, [_words, .. _manifests.Symbols, .. _selection.Symbols, _showEvents, _chunkSize]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var objects = await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, _selection, all: true, cancel);
        if (objects.Count == 0)
            call.Error.WriteLine(_selection.Namespace(call) is { } place ? $"No resources found in {place} namespace." : "No resources found");
        for (var i = 0; i < objects.Count; i++)
        {
            if (i > 0)
                call.Out.Write("\n\n");
            var events = call.Get(_showEvents) ? await EventsAsync(call, objects[i], cancel) : null;
            call.Out.Write(await Describer.DescribeAsync(new DescribeCall(call.Cluster, objects[i], new DescribeText(call.Environment.Time), events), cancel));
        }
        return 0;
    }

    private static async Task<IReadOnlyList<JsonMap>> EventsAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        var selector = $"involvedObject.name={target.Name},involvedObject.kind={target.Resource.Kind}";
        if (target.Object.GetPath("metadata", "uid") is string uid && target.Resource.Kind != "Node")
            selector += ",involvedObject.uid=" + uid;
        return (await call.Cluster.Client.ListTreesAsync(new("", "v1", "events"), target.Namespace.Length > 0 ? target.Namespace : "default", new ListOptions { FieldSelector = selector }, cancel)).Items;
    }
}

using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl cordon, uncordon, drain.</summary>
internal sealed class NodeVerbs(CliShell shell)
{
    /// <summary>As kubectl: how long after a refusal by a disruption budget an eviction is tried again.</summary>
    private static readonly TimeSpan EvictionRetry = TimeSpan.FromSeconds(5);

    private readonly Argument<string[]> _nodes = new("node") { Arity = ArgumentArity.ZeroOrMore };
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-drain");
    private readonly Option<bool> _ignoreDaemonSets = new("--ignore-daemonsets") { Description = "Ignore DaemonSet-managed pods." };
    private readonly Option<bool> _deleteEmptyDir = new("--delete-emptydir-data") { Description = "Continue even if there are pods using emptyDir." };
    private readonly Option<bool> _force = new("--force") { Description = "Continue even if there are pods that do not declare a controller." };
    private readonly Option<int?> _grace = new("--grace-period") { Description = "Period of time in seconds given to each pod to terminate gracefully." };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "The length of time to wait before giving up, zero means infinite." };

    public Command Cordon() => shell.Verb("cordon", "Mark node as unschedulable", (call, cancel) => MarkAllAsync(call, true, cancel), [_nodes, .. _selection.Symbols, .. _mutation.Symbols]);

    public Command Uncordon() => shell.Verb("uncordon", "Mark node as schedulable", (call, cancel) => MarkAllAsync(call, false, cancel), [_nodes, .. _selection.Symbols, .. _mutation.Symbols]);

    public Command Drain() => shell.Verb("drain", "Drain node in preparation for maintenance", DrainAsync,
        [_nodes, .. _selection.Symbols, .. _mutation.Symbols, _ignoreDaemonSets, _deleteEmptyDir, _force, _grace, _timeout]);

    private async Task<IReadOnlyList<ResourceObject>> NodesAsync(CliCall call, CancellationToken cancel)
    {
        var nodes = call.Get(_nodes);
        if (nodes.Length == 0 && !_selection.Any(call))
            throw new CliException("a node's name or --selector is required\nSee 'timonier drain --help' for usage.");
        return await ObjectTargets.ReadAsync(call, nodes.Length > 0 && nodes[0].Contains('/') ? nodes : ["nodes", .. nodes], null, _selection, false, cancel);
    }

    private async Task<int> MarkAllAsync(CliCall call, bool unschedulable, CancellationToken cancel)
    {
        foreach (var node in await NodesAsync(call, cancel))
            await MarkAsync(call, node, unschedulable, cancel);
        return 0;
    }

    private async Task MarkAsync(CliCall call, ResourceObject node, bool unschedulable, CancellationToken cancel)
    {
        var word = unschedulable ? "cordoned" : "uncordoned";
        if ((node.Object.GetPath("spec", "unschedulable") is true) == unschedulable)
        {
            _mutation.Report(call, node, "already " + word);
            return;
        }
        if (!_mutation.ClientOnly(call))
            await _mutation.PatchAsync(call, node, PatchBody.StrategicType, new JsonMap { ["spec"] = new JsonMap { ["unschedulable"] = unschedulable ? true : null } }, cancel);
        _mutation.Report(call, node, word);
    }

    private async Task<int> DrainAsync(CliCall call, CancellationToken cancel)
    {
        var limit = call.Get(_timeout) is { } text && CliText.Duration(text, "--timeout") is var given && given > TimeSpan.Zero ? given : Timeout.InfiniteTimeSpan;
        using var timer = new CancellationTokenSource(limit, call.Environment.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        foreach (var node in await NodesAsync(call, cancel))
        {
            await MarkAsync(call, node, true, cancel);
            var pods = (await call.Cluster.Client.ListTreesAsync(PodTarget.Pods, null, new ListOptions { FieldSelector = "spec.nodeName=" + node.Name }, cancel)).Items;
            var leaving = Leaving(call, node.Name, pods);
            try
            {
                await Task.WhenAll(leaving.Select(p => EvictAsync(call, p, either.Token)));
            }
            catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancel.IsCancellationRequested)
            {
                throw new CliException($"unable to drain node \"{node.Name}\" due to error: global timeout reached: {call.Get(_timeout)}, continuing command...");
            }
            call.Out.WriteLine($"node/{node.Name} drained");
        }
        return 0;
    }

    /// <summary>The pods to evict; refuses when some may not be and no flag says so.</summary>
    private List<JsonMap> Leaving(CliCall call, string node, IReadOnlyList<JsonMap> pods)
    {
        var (leaving, faults, ignored) = (new List<JsonMap>(), new List<string>(), new List<string>());
        foreach (var pod in pods)
        {
            var title = $"{pod.GetPath("metadata", "namespace")}/{pod.GetPath("metadata", "name")}";
            var owner = (pod.GetMap("metadata")?.GetList("ownerReferences") ?? []).OfType<JsonMap>().FirstOrDefault(o => o.GetBool("controller") == true)?.GetString("kind");
            var done = (string?)pod.GetPath("status", "phase") is "Succeeded" or "Failed";
            if (pod.GetMap("metadata")?.GetMap("annotations")?.ContainsKey("kubernetes.io/config.mirror") == true)
                continue;
            if (owner == "DaemonSet" && !done)
            {
                (call.Get(_ignoreDaemonSets) ? ignored : faults).Add(call.Get(_ignoreDaemonSets) ? title : $"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): {title}");
                continue;
            }
            if (owner is null && !done && !call.Get(_force))
                faults.Add($"cannot delete Pods that declare no controller (use --force to override): {title}");
            else if (!done && !call.Get(_deleteEmptyDir) && (pod.GetMap("spec")?.GetList("volumes") ?? []).OfType<JsonMap>().Any(v => v.ContainsKey("emptyDir")))
                faults.Add($"cannot delete Pods with local storage (use --delete-emptydir-data to override): {title}");
            else
                leaving.Add(pod);
        }
        if (faults.Count > 0)
            throw new CliException($"unable to drain node \"{node}\" due to error: [{string.Join(", ", faults)}], continuing command...\nThere are pending nodes to be drained:\n {node}\n{string.Join('\n', faults)}");
        if (ignored.Count > 0)
            call.Error.WriteLine($"Warning: ignoring DaemonSet-managed Pods: {string.Join(", ", ignored)}");
        return leaving;
    }

    private async Task EvictAsync(CliCall call, JsonMap pod, CancellationToken cancel)
    {
        var (place, name) = ((string)pod.GetPath("metadata", "namespace")!, (string)pod.GetPath("metadata", "name")!);
        call.Out.WriteLine($"evicting pod {place}/{name}");
        while (true)
        {
            try
            {
                await call.Cluster.Client.EvictAsync(place, name, new Api.Meta.V1.DeleteOptions { GracePeriodSeconds = call.Get(_grace) is >= 0 and var grace ? grace : null }, cancel);
                break;
            }
            catch (ApiException e) when (e.IsTooManyRequests)
            {
                call.Error.WriteLine($"error when evicting pods/\"{name}\" -n \"{place}\" (will retry after 5s): {e.Message}");
                await Task.Delay(EvictionRetry, call.Environment.Time, cancel);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                return;
            }
        }
        var pods = await call.Cluster.Mapper.FindAsync("pods", cancel);
        await ObjectWait.UntilAsync(call, new ResourceObject(pods, place, name, pod), TimeSpan.FromDays(7), obj => obj is null || !Equals(obj.GetPath("metadata", "uid"), pod.GetPath("metadata", "uid")), cancel);
        call.Out.WriteLine($"pod/{name} evicted");
    }
}

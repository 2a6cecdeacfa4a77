using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl autoscale: a HorizontalPodAutoscaler for a workload.</summary>
internal sealed class AutoscaleVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-autoscale");
    private readonly Option<int?> _min = new("--min") { Description = "The lower limit for the number of pods that can be set by the autoscaler." };
    private readonly Option<int> _max = new("--max") { Required = true, Description = "The upper limit for the number of pods that can be set by the autoscaler." };
    private readonly Option<int?> _cpu = new("--cpu-percent") { Description = "The target average CPU utilization (represented as a percent of requested CPU) over all the pods." };
    private readonly Option<string?> _name = new("--name") { Description = "The name for the newly created object. If not specified, the name of the input resource will be used." };

    public Command Create() => shell.Verb("autoscale", "Auto-scale a deployment, replica set, stateful set, or replication controller", RunAsync,
        [_words, .. _manifests.Symbols, .. _mutation.Symbols, _min, _max, _cpu, _name]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_max) < 1)
            throw new CliException($"--max=MAXPODS is required and must be at least 1, max: {call.Get(_max)}");
        if (call.Get(_max) < call.Get(_min))
            throw new CliException($"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {call.Get(_max)}, min: {call.Get(_min)}");
        foreach (var target in await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, null, false, cancel))
        {
            if (target.Resource.Kind is not ("Deployment" or "ReplicaSet" or "StatefulSet" or "ReplicationController"))
                throw new CliException($"cannot autoscale a {target.Resource.Kind}.{target.Resource.Resource.Group}: no kind can be scaled of this name");
            var spec = new JsonMap
            {
                ["maxReplicas"] = (long)call.Get(_max),
                ["scaleTargetRef"] = new JsonMap { ["apiVersion"] = target.Resource.GroupVersion.ToString(), ["kind"] = target.Resource.Kind, ["name"] = target.Name },
            };
            if (call.Get(_min) is > 0 and var min)
                spec["minReplicas"] = (long)min;
            if (call.Get(_cpu) is >= 0 and var cpu)
                spec["targetCPUUtilizationPercentage"] = (long)cpu;
            var scaler = new JsonMap { ["apiVersion"] = "autoscaling/v1", ["kind"] = "HorizontalPodAutoscaler", ["metadata"] = new JsonMap { ["name"] = call.Get(_name) ?? target.Name }, ["spec"] = spec };
            var (resource, place) = await ManifestPlace.FindAsync(call, new Manifest(scaler, "autoscale"), cancel);
            _mutation.Report(call, ResourceArguments.Wrap(resource, await _mutation.CreateAsync(call, resource, place, scaler, cancel)), "autoscaled");
        }
        return 0;
    }
}

using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl delete.</summary>
internal sealed class DeleteVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly OutputFlags _output = new();
    private readonly Option<bool> _all = new("--all") { Description = "Delete all resources, in the namespace of the specified resource types." };
    private readonly Option<int?> _gracePeriod = new("--grace-period") { Description = "Period of time in seconds given to the resource to terminate gracefully." };
    private readonly Option<bool> _now = new("--now") { Description = "If true, resources are signaled for immediate shutdown (same as --grace-period=1)." };
    private readonly Option<bool> _force = new("--force") { Description = "If true, immediately remove resources from API and bypass graceful deletion." };
    private readonly Option<string?> _cascade = new("--cascade") { Arity = ArgumentArity.ZeroOrOne, Description = "Must be \"background\", \"orphan\", or \"foreground\"." };
    private readonly Option<bool> _wait = new("--wait") { DefaultValueFactory = _ => true, Description = "If true, wait for resources to be gone before returning." };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "The length of time to wait before giving up on a delete." };
    private readonly Option<bool> _ignoreNotFound = new("--ignore-not-found") { Description = "Treat \"resource not found\" as a successful delete." };
    private readonly Option<string?> _dryRun = new("--dry-run") { Description = "Must be \"none\", \"server\", or \"client\"." };

    public Command Create() => shell.Verb("delete", "Delete resources by file names, stdin, resources and names, or by resources and label selector", RunAsync,
        [_words, .. _manifests.Symbols, .. _selection.Symbols, _output.Output, _all, _gracePeriod, _now, _force, _cascade, _wait, _timeout, _ignoreNotFound, _dryRun]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var (targets, failed) = await TargetsAsync(call, cancel);
        if (call.Get(_force) && targets.Count > 0)
            call.Error.WriteLine("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.");
        var deleted = new List<ResourceObject>();
        foreach (var target in targets)
        {
            try
            {
                await DeleteAsync(call, target, cancel);
                deleted.Add(target);
            }
            catch (ApiException e) when (!(e.IsNotFound && call.Get(_ignoreNotFound)))
            {
                call.Error.WriteLine(CliShell.Describe(e, call));
                failed = true;
            }
            catch (ApiException)
            {
            }
        }
        if (targets.Count == 0 && !failed && !call.Get(_ignoreNotFound))
            call.Out.WriteLine("No resources found");
        if (call.Get(_wait) && !call.Get(_force) && !IsDryRun(call))
            await WaitAsync(call, deleted, cancel);
        return failed ? 1 : 0;
    }

    private bool IsDryRun(CliCall call) => call.Get(_dryRun) is "client" or "server";

    private async Task<(IReadOnlyList<ResourceObject> Targets, bool Failed)> TargetsAsync(CliCall call, CancellationToken cancel)
    {
        var found = new List<ResourceObject>();
        if (_manifests.Given(call))
        {
            foreach (var manifest in await _manifests.ReadAsync(call, cancel))
            {
                var (resource, place) = await ManifestPlace.FindAsync(call, manifest, cancel);
                found.Add(new(resource, place, manifest.Name, manifest.Object));
            }
            return (found, false);
        }
        var targets = await ResourceArguments.ParseAsync(call.Cluster.Mapper, call.Get(_words), cancel);
        if (targets.Any(t => t.Name is null) && !call.Get(_all) && !_selection.Any(call))
            throw new CliException("resource(s) were provided, but no name was specified");
        foreach (var target in targets)
        {
            if (target.Name is { } name)
                found.Add(new(target.Resource, target.Resource.Namespaced ? call.Namespace : "", name, []));
            else
                found.AddRange(await ResourceArguments.ReadAsync(call.Cluster, [target], _selection.Namespace(call), _selection.Options(call), cancel));
        }
        return (found, false);
    }

    private async Task DeleteAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        if (call.Get(_dryRun) != "client")
        {
            var options = new JsonMap { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1" };
            var grace = call.Get(_force) ? call.Get(_gracePeriod) ?? 0 : call.Get(_now) ? 1 : call.Get(_gracePeriod);
            if (grace is >= 0)
                options["gracePeriodSeconds"] = (long)grace;
            options["propagationPolicy"] = Propagation(call);
            if (call.Get(_dryRun) == "server")
                options["dryRun"] = new JsonList { "All" };
            await call.Cluster.SendAsync("DELETE", ResourcePath.For(target.Resource.Resource, target.Namespace, target.Name), "", options, cancel);
        }
        var note = call.Get(_dryRun) switch { "client" => " (dry run)", "server" => " (server dry run)", _ => "" };
        if (_output.Format(call) == "name")
            call.Out.WriteLine(target.Title);
        else
            call.Out.WriteLine($"{target.Resource.Named} \"{target.Name}\" {(call.Get(_force) ? "force deleted" : "deleted")}{note}");
    }

    private string Propagation(CliCall call) => (call.Given(_cascade) ? call.Get(_cascade) : "background") switch
    {
        null or "background" or "true" => "Background",
        "foreground" => "Foreground",
        "orphan" or "false" => "Orphan",
        var other => throw new CliException($"invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""),
    };

    private async Task WaitAsync(CliCall call, List<ResourceObject> deleted, CancellationToken cancel)
    {
        var limit = call.Get(_timeout) is { } text && CliText.Duration(text, "--timeout") is var given && given > TimeSpan.Zero ? given : TimeSpan.FromDays(7);
        foreach (var target in deleted)
        {
            if (!await ObjectWait.UntilAsync(call, target, limit, obj => obj is null || IsAnother(obj, target), cancel))
                throw new CliException($"timed out waiting for the condition on {target.Resource.Resource.Resource}/{target.Name}");
        }
    }

    // Made anew under the same name: the one that was deleted is gone.
    private static bool IsAnother(JsonMap obj, ResourceObject target) =>
        target.Object.GetPath("metadata", "uid") is string uid ? (string?)obj.GetPath("metadata", "uid") != uid : obj.GetPath("metadata", "deletionTimestamp") is null;
}

using System.CommandLine;
using System.Globalization;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl rollout status, history, undo, pause, resume, restart.</summary>
internal sealed class RolloutVerb(CliShell shell)
{
    private const string RevisionAnnotation = "deployment.kubernetes.io/revision";
    private const string CauseAnnotation = "kubernetes.io/change-cause";
    private const string RestartAnnotation = "kubectl.kubernetes.io/restartedAt";

    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-rollout");
    private readonly Option<bool> _watch = new("--watch", "-w") { DefaultValueFactory = _ => true, Description = "Watch the status of the rollout until it's done." };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "The length of time to wait before ending watch, zero means never." };
    private readonly Option<long> _revision = new("--revision") { Description = "See the details, including podTemplate of the revision specified." };
    private readonly Option<long> _toRevision = new("--to-revision") { Description = "The revision to rollback to. Default to 0 (last revision)." };

    public Command Create() => CliShell.Group("rollout", "Manage the rollout of a resource",
        Sub("status", "Show the status of the rollout", StatusAsync, _watch, _timeout, _revision),
        Sub("history", "View rollout history", HistoryAsync, _revision),
        Sub("undo", "Undo a previous rollout", UndoAsync, [_toRevision, .. _mutation.Symbols]),
        Sub("pause", "Mark the provided resource as paused", (call, target, cancel) => PauseAsync(call, target, true, cancel), _mutation.Symbols),
        Sub("resume", "Resume a paused resource", (call, target, cancel) => PauseAsync(call, target, false, cancel), _mutation.Symbols),
        Sub("restart", "Restart a resource", RestartAsync, _mutation.Symbols));

    private Command Sub(string name, string description, Func<CliCall, ResourceObject, CancellationToken, Task> run, params Symbol[] symbols) =>
        shell.Verb(name, description, async (call, cancel) =>
        {
            foreach (var target in await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, _selection, all: false, cancel))
                await run(call, target, cancel);
            return 0;
        }, [_words, .. _manifests.Symbols, .. _selection.Symbols, .. symbols]);

    private async Task StatusAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        if (!RolloutStatus.Knows(target.Resource.Kind))
            throw new CliException($"no status viewer has been implemented for {target.Resource.Kind}");
        var last = "";
        bool Told(JsonMap? obj)
        {
            if (obj is null)
                throw new CliException("object has been deleted");
            var (text, done) = RolloutStatus.Of(target.Resource.Kind, target.Name, obj);
            if (text != last)
                call.Out.WriteLine(text);
            call.Out.Flush();
            last = text;
            return done;
        }
        if (Told(target.Object) || !call.Get(_watch))
            return;
        var limit = call.Get(_timeout) is { } text && CliText.Duration(text, "--timeout") is var given && given > TimeSpan.Zero ? given : TimeSpan.FromDays(7);
        if (!await ObjectWait.UntilAsync(call, target, limit, Told, cancel))
            throw new CliException("timed out waiting for the condition");
    }

    /// <summary>The revisions with what each ran: ReplicaSets of a Deployment, ControllerRevisions of the others.</summary>
    private static async Task<SortedDictionary<long, JsonMap>> RevisionsAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        var deployment = target.Resource.Kind == "Deployment";
        if (!deployment && target.Resource.Kind is not ("DaemonSet" or "StatefulSet"))
            throw new CliException($"no history viewer has been implemented for {target.Resource.Kind}");
        var kind = new GroupVersionResource("apps", "v1", deployment ? "replicasets" : "controllerrevisions");
        var list = await call.Cluster.Client.ListTreesAsync(kind, target.Namespace, new ListOptions { LabelSelector = PodTarget.SelectorText(target.Object) ?? "" }, cancel);
        var revisions = new SortedDictionary<long, JsonMap>();
        foreach (var item in list.Items.Where(i => IsOwned(i, target)))
        {
            var number = deployment
                ? long.TryParse(item.GetMap("metadata")?.GetMap("annotations")?.GetString(RevisionAnnotation), CultureInfo.InvariantCulture, out var parsed) ? parsed : 0
                : item.GetInteger("revision") ?? 0;
            revisions[number] = item;
        }
        return revisions;
    }

    private static bool IsOwned(JsonMap item, ResourceObject target) =>
        (item.GetMap("metadata")?.GetList("ownerReferences") ?? []).OfType<JsonMap>().Any(o => Equals(o["uid"], target.Object.GetPath("metadata", "uid")));

    private async Task HistoryAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        var revisions = await RevisionsAsync(call, target, cancel);
        if (call.Get(_revision) is > 0 and var wanted)
        {
            var found = revisions.TryGetValue(wanted, out var one) ? one : throw new CliException("unable to find the specified revision");
            call.Out.WriteLine($"{target.Title} with revision #{wanted.ToString(CultureInfo.InvariantCulture)}");
            call.Out.WriteLine("Pod Template:");
            var template = (found.GetPath("spec", "template") ?? found.GetPath("data", "spec", "template")) as JsonMap ?? [];
            call.Out.Write(string.Concat(Api.Yaml.YamlWriter.Write(OutputFlags.Sorted(template)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => $"  {l}\n")));
            return;
        }
        call.Out.WriteLine(target.Title + " ");
        if (revisions.Count == 0)
        {
            call.Out.WriteLine("No rollout history found.");
            return;
        }
        var table = new TextTable(call.Out, gap: 2);
        table.Add("REVISION", "CHANGE-CAUSE");
        foreach (var (number, item) in revisions)
            table.Add(number.ToString(CultureInfo.InvariantCulture), item.GetMap("metadata")?.GetMap("annotations")?.GetString(CauseAnnotation) is { Length: > 0 } cause ? cause : "<none>");
        table.Flush();
        call.Out.WriteLine();
    }

    private async Task UndoAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        var revisions = await RevisionsAsync(call, target, cancel);
        var wanted = call.Get(_toRevision);
        if (wanted == 0)
            wanted = revisions.Count > 1 ? revisions.Keys.ElementAt(revisions.Count - 2) : throw new CliException($"no rollout history found for {target.Resource.Kind.ToLowerInvariant()} \"{target.Name}\"");
        if (!revisions.TryGetValue(wanted, out var found))
            throw new CliException($"unable to find specified revision {wanted.ToString(CultureInfo.InvariantCulture)} in history");
        if (target.Resource.Kind != "Deployment")
        {
            await ChangeAsync(call, target, PatchBody.StrategicType, found.GetMap("data")!, "rolled back", cancel);
            return;
        }
        if (target.Object.GetPath("spec", "paused") is true)
            throw new CliException("cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again");
        var template = ((JsonMap)found.GetPath("spec", "template")!).DeepClone();
        template.GetMap("metadata")?.GetMap("labels")?.Remove("pod-template-hash");
        var operations = new JsonList { new JsonMap { ["op"] = "replace", ["path"] = "/spec/template", ["value"] = template } };
        await ChangeAsync(call, target, PatchBody.JsonType, operations, "rolled back", cancel);
    }

    private async Task PauseAsync(CliCall call, ResourceObject target, bool paused, CancellationToken cancel)
    {
        if (target.Resource.Kind != "Deployment")
            throw new CliException($"{target.Resource.Resource.Resource} \"{target.Name}\" {(paused ? "pausing" : "resuming")} is not supported");
        if ((target.Object.GetPath("spec", "paused") is true) == paused)
            throw new CliException($"{target.Resource.GroupResource} \"{target.Name}\" is {(paused ? "already paused" : "not paused")}");
        await ChangeAsync(call, target, PatchBody.MergeType, new JsonMap { ["spec"] = new JsonMap { ["paused"] = paused } }, paused ? "paused" : "resumed", cancel);
    }

    private async Task RestartAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        if (target.Object.GetPath("spec", "paused") is true)
            throw new CliException("can't restart paused deployment (run rollout resume first)");
        if (target.Object.GetPath("spec", "template") is not JsonMap || target.Resource.Resource.Group != "apps")
            throw new CliException($"{target.Resource.Resource.Resource} \"{target.Name}\" restarting is not supported");
        var now = call.Environment.Time.GetLocalNow().ToString("yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture);
        var annotations = new JsonMap { [RestartAnnotation] = now };
        var patch = new JsonMap { ["spec"] = new JsonMap { ["template"] = new JsonMap { ["metadata"] = new JsonMap { ["annotations"] = annotations } } } };
        await ChangeAsync(call, target, PatchBody.MergeType, patch, "restarted", cancel);
    }

    private async Task ChangeAsync(CliCall call, ResourceObject target, string type, object patch, string done, CancellationToken cancel)
    {
        var changed = _mutation.ClientOnly(call) ? target.Object : await _mutation.PatchAsync(call, target, type, patch, cancel);
        _mutation.Report(call, ResourceArguments.Wrap(target.Resource, changed), done);
    }
}

using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl set image, env, resources, serviceaccount, selector: one field of what a workload runs.</summary>
internal sealed class SetVerb(CliShell shell)
{
    private static readonly string[] ContainerLists = ["containers", "initContainers"];

    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly MutationFlags _mutation = new("kubectl-set");
    private readonly Option<bool> _all = new("--all") { Description = "Select all resources, in the namespace of the specified resource types." };
    private readonly Option<string?> _containers = new("--containers", "-c") { Description = "The names of containers in the selected pod templates to change, all containers are selected by default - may use wildcards." };
    private readonly Option<string[]> _env = new("--env", "-e") { Description = "Specify a key-value pair for an environment variable to set into each container." };
    private readonly Option<string?> _from = new("--from") { Description = "The name of a resource from which to inject environment variables." };
    private readonly Option<string?> _prefix = new("--prefix") { Description = "Prefix to append to variable names." };
    private readonly Option<bool> _list = new("--list") { Description = "If true, display the environment and any changes in the standard format." };
    private readonly Option<bool> _overwrite = new("--overwrite") { DefaultValueFactory = _ => true, Description = "If true, allow environment to be overwritten, otherwise reject updates that overwrite existing environment." };
    private readonly Option<string?> _limits = new("--limits") { Description = "The resource requirement limits for this container, such as 'cpu=100m,memory=256Mi'." };
    private readonly Option<string?> _requests = new("--requests") { Description = "The resource requirement requests for this container, such as 'cpu=100m,memory=256Mi'." };

    public Command Create() => CliShell.Group("set", "Set specific features on objects",
        Sub("image", "Update the image of a pod template", ImageAsync),
        Sub("env", "Update environment variables on a pod template", EnvAsync, _containers, _env, _from, _prefix, _list, _overwrite),
        Sub("resources", "Update resource requests/limits on objects with pod templates", ResourcesAsync, _containers, _limits, _requests),
        Sub("serviceaccount", "Update the service account of a resource", AccountAsync),
        Sub("selector", "Set the selector on a resource", SelectorAsync));

    private Command Sub(string name, string description, Func<CliCall, CancellationToken, Task> run, params Symbol[] symbols) =>
        shell.Verb(name, description, async (call, cancel) =>
        {
            await run(call, cancel);
            return 0;
        }, [_words, .. _manifests.Symbols, .. _selection.Symbols, .. _mutation.Symbols, _all, .. symbols]);

    private Task<IReadOnlyList<ResourceObject>> TargetsAsync(CliCall call, IEnumerable<string> words, CancellationToken cancel) =>
        ObjectTargets.ReadAsync(call, [.. words], _manifests, _selection, call.Get(_all), cancel);

    /// <summary>Where the pod's spec stands in the object.</summary>
    private static string[] PodSpec(ResourceObject target) => target.Resource.Kind switch
    {
        "Pod" => ["spec"],
        "CronJob" => ["spec", "jobTemplate", "spec", "template", "spec"],
        _ when target.Object.GetPath("spec", "template", "spec") is JsonMap => ["spec", "template", "spec"],
        _ => throw new CliException($"the object is not a pod or does not have a pod template: {target.Resource.Named}/{target.Name}"),
    };

    private async Task PatchPodAsync(CliCall call, ResourceObject target, JsonMap podSpec, string done, CancellationToken cancel)
    {
        var patch = podSpec;
        foreach (var step in PodSpec(target).Reverse())
            patch = new JsonMap { [step] = patch };
        await PatchAsync(call, target, patch, done, cancel);
    }

    private async Task PatchAsync(CliCall call, ResourceObject target, JsonMap patch, string done, CancellationToken cancel)
    {
        var changed = _mutation.ClientOnly(call) ? target.Object : await _mutation.PatchAsync(call, target, PatchBody.StrategicType, patch, cancel);
        // Nothing to tell where nothing changed.
        if (!_mutation.ClientOnly(call) && !_mutation.HasOutput(call) && JsonTree.DeepEquals(changed["spec"], target.Object["spec"]))
            return;
        _mutation.Report(call, ResourceArguments.Wrap(target.Resource, changed), done);
    }

    /// <summary>A patch of the containers that a name or pattern chooses; null where there is none.</summary>
    private static JsonMap? OfContainers(ResourceObject target, string pattern, Func<JsonMap, JsonMap> change)
    {
        var spec = target.Object.GetPath(PodSpec(target)) as JsonMap ?? [];
        var patch = new JsonMap();
        foreach (var list in ContainerLists)
        {
            var chosen = (spec.GetList(list) ?? []).OfType<JsonMap>().Where(c => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, c.GetString("name"), ignoreCase: false)).ToList();
            if (chosen.Count == 0)
                continue;
            patch[list] = new JsonList(chosen.Select(container =>
            {
                var changed = change(container);
                changed["name"] = container["name"];
                return changed;
            }));
        }
        return patch.Count > 0 ? patch : null;
    }

    private async Task ImageAsync(CliCall call, CancellationToken cancel)
    {
        var images = call.Get(_words).Where(w => w.Contains('=')).Select(w => w.Split('=', 2)).ToList();
        if (images.Count == 0)
            throw new CliException("at least one image update is required");
        foreach (var target in await TargetsAsync(call, call.Get(_words).Where(w => !w.Contains('=')), cancel))
        {
            var patch = new JsonMap();
            foreach (var image in images)
            {
                var part = OfContainers(target, image[0], _ => new JsonMap { ["image"] = image[1] }) ?? throw new CliException($"unable to find container named \"{image[0]}\"");
                foreach (var (list, containers) in part)
                    patch[list] = new JsonList((patch.GetList(list) ?? []).Concat((JsonList)containers!));
            }
            await PatchPodAsync(call, target, patch, "image updated", cancel);
        }
    }

    private async Task EnvAsync(CliCall call, CancellationToken cancel)
    {
        static bool IsChange(string word) => word.Contains('=') || word.EndsWith('-');
        var changes = call.Get(_words).Where(IsChange).Concat(call.Get(_env) ?? []).ToList();
        var variables = new JsonList(changes.Select(c => c.Contains('=')
            ? new JsonMap { ["name"] = c[..c.IndexOf('=')], ["value"] = c[(c.IndexOf('=') + 1)..] } : new JsonMap { ["name"] = c[..^1], ["$patch"] = "delete" }));
        foreach (var variable in await FromAsync(call, cancel))
            variables.Add(variable);
        if (variables.Count == 0 && !call.Get(_list))
            throw new CliException("at least one environment variable must be provided");
        foreach (var target in await TargetsAsync(call, call.Get(_words).Where(w => !IsChange(w)), cancel))
        {
            if (call.Get(_list))
                ListEnvironment(call, target);
            else
            {
                var patch = OfContainers(target, call.Get(_containers) ?? "*", container => Environment(container, variables)) ?? throw new CliException($"{target.Title} does not have any containers matching \"{call.Get(_containers)}\"");
                if (!call.Get(_overwrite))
                    RefuseOverwriting(target, variables);
                await PatchPodAsync(call, target, patch, "env updated", cancel);
            }
        }
    }

    /// <summary>What is there keeps its place; what is new comes behind it.</summary>
    private static JsonMap Environment(JsonMap container, JsonList variables)
    {
        var names = (container.GetList("env") ?? []).Concat(variables).OfType<JsonMap>().Select(e => e.GetString("name")).Distinct();
        return new JsonMap { ["env"] = variables.DeepClone(), ["$setElementOrder/env"] = new JsonList(names.Select(n => new JsonMap { ["name"] = n })) };
    }

    private static void RefuseOverwriting(ResourceObject target, JsonList variables)
    {
        var present = (target.Object.GetPath(PodSpec(target)) as JsonMap ?? []).GetList("containers") ?? [];
        var taken = present.OfType<JsonMap>().SelectMany(c => c.GetList("env") ?? []).OfType<JsonMap>().Select(e => e.GetString("name")).Intersect(variables.OfType<JsonMap>().Select(v => v.GetString("name"))).FirstOrDefault();
        if (taken is not null)
            throw new CliException($"'{taken}' already has a value, and --overwrite is false");
    }

    /// <summary>--from=configmap/NAME or secret/NAME: one variable per key.</summary>
    private async Task<IEnumerable<JsonMap>> FromAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_from) is not { Length: > 0 } from)
            return [];
        var source = (await ObjectTargets.ReadAsync(call, [from], null, null, false, cancel))[0];
        var kind = source.Resource.Kind switch { "ConfigMap" => "configMapKeyRef", "Secret" => "secretKeyRef", var other => throw new CliException($"unsupported resource specified in --from: {other}") };
        return (source.Object.GetMap("data") ?? []).Select(d => d.Key).Order(StringComparer.Ordinal).Select(key =>
        {
            var name = string.Concat(key.ToUpperInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
            if (name != key)
                call.Error.WriteLine($"Warning: key {key} transferred to {name}");
            return new JsonMap { ["name"] = call.Get(_prefix) + name, ["valueFrom"] = new JsonMap { [kind] = new JsonMap { ["name"] = source.Name, ["key"] = key } } };
        }).ToList();
    }

    private static void ListEnvironment(CliCall call, ResourceObject target)
    {
        foreach (var container in ((target.Object.GetPath(PodSpec(target)) as JsonMap)?.GetList("containers") ?? []).OfType<JsonMap>())
        {
            call.Out.WriteLine($"# {target.Resource.Kind} {target.Name}, container {container.GetString("name")}");
            foreach (var variable in (container.GetList("env") ?? []).OfType<JsonMap>())
            {
                var reference = variable.GetMap("valueFrom") is { Count: > 0 } from ? from.At(0) : default;
                var origin = reference.Value as JsonMap;
                call.Out.WriteLine(reference.Key switch
                {
                    null => $"{variable.GetString("name")}={variable.GetString("value")}",
                    "configMapKeyRef" => $"# {variable.GetString("name")} from configmap {origin?.GetString("name")}, key {origin?.GetString("key")}",
                    "secretKeyRef" => $"# {variable.GetString("name")} from secret {origin?.GetString("name")}, key {origin?.GetString("key")}",
                    _ => $"# {variable.GetString("name")} from {reference.Key} {origin?.GetString("fieldPath") ?? origin?.GetString("resource")}",
                });
            }
        }
    }

    private async Task ResourcesAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_limits) is null && call.Get(_requests) is null)
            throw new CliException("you must specify an update to requests or limits (in the form of --requests/--limits)");
        foreach (var target in await TargetsAsync(call, call.Get(_words), cancel))
        {
            JsonMap Change(JsonMap container)
            {
                var resources = new JsonMap();
                foreach (var (field, text) in new[] { ("limits", call.Get(_limits)), ("requests", call.Get(_requests)) })
                {
                    if (text is { Length: > 0 })
                        resources[field] = Generator.Pairs([text], "--" + field);
                }
                return new JsonMap { ["resources"] = resources };
            }
            var patch = OfContainers(target, call.Get(_containers) ?? "*", Change) ?? throw new CliException($"unable to find container named {call.Get(_containers)}");
            await PatchPodAsync(call, target, patch, "resource requirements updated", cancel);
        }
    }

    private async Task AccountAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        if (words.Length == 0)
            throw new CliException("serviceaccount is required");
        foreach (var target in await TargetsAsync(call, words[..^1], cancel))
            await PatchPodAsync(call, target, new JsonMap { ["serviceAccountName"] = words[^1] }, "serviceaccount updated", cancel);
    }

    private async Task SelectorAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        var pairs = words.Where(w => w.Contains('=')).ToList();
        if (pairs.Count != 1)
            throw new CliException("one selector is required, such as app=web,tier=front");
        var selector = Generator.Pairs(pairs, "selector");
        foreach (var target in await TargetsAsync(call, words.Where(w => !w.Contains('=')), cancel))
        {
            if (target.Resource.Kind != "Service")
                throw new CliException("setting a selector is only supported for Services");
            selector["$patch"] = "replace";
            await PatchAsync(call, target, new JsonMap { ["spec"] = new JsonMap { ["selector"] = selector } }, "selector updated", cancel);
        }
    }
}

using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl run: one pod of an image.</summary>
internal sealed class RunVerb(CliShell shell)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private readonly Argument<string[]> _words = new("name") { Arity = ArgumentArity.OneOrMore, Description = "NAME [-- COMMAND] [args...]" };
    private readonly MutationFlags _mutation = new("kubectl-run");
    private readonly Option<string> _image = new("--image") { Required = true, Description = "The image for the container to run." };
    private readonly Option<string[]> _env = new("--env") { Description = "Environment variables to set in the container." };
    private readonly Option<string[]> _labels = new("--labels", "-l") { Description = "Comma separated labels to apply to the pod." };
    private readonly Option<string[]> _annotations = new("--annotations") { Description = "Annotations to apply to the pod." };
    private readonly Option<int?> _port = new("--port") { Description = "The port that this container exposes." };
    private readonly Option<string> _restart = new("--restart") { DefaultValueFactory = _ => "Always", Description = "The restart policy for this Pod." };
    private readonly Option<string?> _pullPolicy = new("--image-pull-policy") { Description = "The image pull policy for the container." };
    private readonly Option<bool> _command = new("--command") { Description = "If true and extra arguments are present, use them as the 'command' field in the container." };
    private readonly Option<bool> _stdin = new("--stdin", "-i") { Description = "Keep stdin open on the container in the pod." };
    private readonly Option<bool> _tty = new("--tty", "-t") { Description = "Allocate a TTY for the container in the pod." };
    private readonly Option<bool> _attach = new("--attach") { Description = "Wait for the Pod to start running, and then attach to the Pod." };
    private readonly Option<bool> _remove = new("--rm") { Description = "If true, delete the pod after it exits." };
    private readonly Option<bool> _privileged = new("--privileged") { Description = "If true, run the container in privileged mode." };
    private readonly Option<string?> _overrides = new("--overrides") { Description = "An inline JSON override for the generated object." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "If true, suppress prompt messages." };

    public Command Create() => shell.Verb("run", "Run a particular image on the cluster", RunAsync,
        [_words, .. _mutation.Symbols, _image, _env, _labels, _annotations, _port, _restart, _pullPolicy, _command, _stdin, _tty, _attach, _remove, _privileged, _overrides, _quiet]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var pod = Pod(call);
        var resource = await call.Cluster.Mapper.FindAsync("pods", cancel);
        var attach = call.Get(_attach) || call.Get(_stdin);
        if (call.Get(_remove) && !attach)
            throw new CliException("--rm should only be used for attached containers");
        var created = ResourceArguments.Wrap(resource, await _mutation.CreateAsync(call, resource, call.Namespace, pod, cancel));
        if (!attach || _mutation.ClientOnly(call))
        {
            _mutation.Report(call, created, "created");
            return 0;
        }
        try
        {
            return await AttachAsync(call, created, cancel);
        }
        finally
        {
            if (call.Get(_remove))
            {
                await call.Cluster.Client.DeleteTreeAsync(PodTarget.Pods, created.Namespace, created.Name, null, CancellationToken.None);
                call.Out.WriteLine($"pod \"{created.Name}\" deleted");
            }
        }
    }

    private async Task<int> AttachAsync(CliCall call, ResourceObject pod, CancellationToken cancel)
    {
        JsonMap? last = null;
        bool HasStarted(JsonMap? obj) => (string?)(last = obj ?? throw new CliException("object has been deleted")).GetPath("status", "phase") is "Running" or "Succeeded" or "Failed";
        if (!await ObjectWait.UntilAsync(call, pod, StartLimit, HasStarted, cancel))
            throw new CliException("timed out waiting for the condition");
        var container = PodTarget.Containers(pod.Object, "containers")[0];
        if (PodTarget.IsRunning(last!))
        {
            if (call.Get(_stdin) && !call.Get(_quiet))
                call.Error.WriteLine("If you don't see a command prompt, try pressing enter.");
            await ExecVerb.StreamAsync(call, pod.Namespace, pod.Name, "attach", container, "", call.Get(_stdin), call.Get(_tty), cancel);
        }
        else
        {
            // It was done before we could attach: what it said is in its log.
            await using var log = await call.Cluster.Transport.OpenAsync(new() { Method = "GET", Path = Client.ResourcePath.For(PodTarget.Pods, pod.Namespace, pod.Name, "log"), Accept = "*/*" }, cancel);
            await log.CopyToAsync(call.Environment.OutBytes, cancel);
        }
        if (call.Get(_restart) == "Always")
            return 0;
        await ObjectWait.UntilAsync(call, pod, StartLimit, obj => (string?)(last = obj)?.GetPath("status", "phase") is null or "Succeeded" or "Failed", cancel);
        var status = (last?.GetMap("status")?.GetList("containerStatuses") ?? []).OfType<JsonMap>().FirstOrDefault(s => s.GetString("name") == container);
        var code = (int)(status?.GetPath("state", "terminated", "exitCode") as long? ?? 0);
        if (code != 0)
            call.Error.WriteLine($"pod {call.Namespace}/{pod.Name} terminated (Error)");
        return code;
    }

    private JsonMap Pod(CliCall call)
    {
        var words = call.Get(_words);
        var labels = Pairs(call.Get(_labels));
        var container = new JsonMap { ["name"] = words[0], ["image"] = call.Get(_image) };
        if (words.Length > 1)
            container[call.Get(_command) ? "command" : "args"] = new JsonList(words.Skip(1));
        if (Pairs(call.Get(_env), split: false) is { Count: > 0 } env)
            container["env"] = new JsonList(env.Select(e => new JsonMap { ["name"] = e.Key, ["value"] = e.Value }));
        if (call.Get(_port) is { } port)
            container["ports"] = new JsonList { new JsonMap { ["containerPort"] = (long)port } };
        if (call.Get(_pullPolicy) is { Length: > 0 } policy)
            container["imagePullPolicy"] = policy;
        if (call.Get(_privileged))
            container["securityContext"] = new JsonMap { ["privileged"] = true };
        if (call.Get(_stdin))
            (container["stdin"], container["stdinOnce"]) = (true, true);
        if (call.Get(_tty))
            container["tty"] = true;
        var metadata = new JsonMap { ["name"] = words[0], ["namespace"] = call.Namespace, ["labels"] = labels.Count > 0 ? labels : new JsonMap { ["run"] = words[0] } };
        if (Pairs(call.Get(_annotations), split: false) is { Count: > 0 } annotations)
            metadata["annotations"] = annotations;
        var pod = new JsonMap
        {
            ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata,
            ["spec"] = new JsonMap { ["containers"] = new JsonList { container }, ["restartPolicy"] = call.Get(_restart) },
        };
        if (call.Get(_overrides) is { Length: > 0 } overrides)
            Api.Patches.MergePatch.Apply(pod, Api.Yaml.YamlReader.Read(overrides) as JsonMap ?? throw new CliException("--overrides must be a JSON object"));
        return pod;
    }

    private static JsonMap Pairs(string[]? texts, bool split = true)
    {
        var map = new JsonMap();
        foreach (var text in (texts ?? []).SelectMany(t => split ? t.Split(',') : [t]))
        {
            var equals = text.IndexOf('=');
            if (equals <= 0)
                throw new CliException($"unexpected format: \"{text}\": must be key=value");
            map[text[..equals]] = text[(equals + 1)..];
        }
        return map;
    }
}

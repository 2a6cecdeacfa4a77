using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.Cli.Config;
using Timonier.Cli.Printing;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl config: which contexts there are, and which one counts.</summary>
internal sealed class ConfigVerb(CliShell shell)
{
    private readonly Argument<string> _name = new("context");
    private readonly Argument<string> _optionalName = new("context") { DefaultValueFactory = _ => "" };
    private readonly Option<bool> _current = new("--current") { Description = "Modify the current context" };
    private readonly Argument<string> _newName = new("new-name");
    private readonly Option<bool> _minify = new("--minify") { Description = "Remove all information not used by current-context from the output" };
    private readonly Option<bool> _raw = new("--raw") { Description = "Display raw byte data and sensitive data" };
    private readonly Option<bool> _flatten = new("--flatten") { Description = "Flatten the resulting kubeconfig file into self-contained output" };
    private readonly OutputFlags _output = new();
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "When using the default output format, don't print headers." };

    public Command Create() => CliShell.Group("config", "Modify kubeconfig files",
        shell.Verb("current-context", "Display the current-context", (call, _) =>
        {
            var current = Load(call).CurrentContext;
            call.Out.WriteLine(current.Length > 0 ? current : throw new CliException("current-context is not set"));
            return Task.FromResult(0);
        }),
        shell.Verb("view", "Display merged kubeconfig settings or a specified kubeconfig file", View, [_minify, _raw, _flatten, .. _output.Symbols]),
        shell.Verb("get-contexts", "Describe one or many contexts", GetContexts, _optionalName, _noHeaders, _output.Output),
        Names("get-clusters", "Display clusters defined in the kubeconfig", "clusters"),
        Names("get-users", "Display users defined in the kubeconfig", "users"),
        Delete("delete-context", "Delete the specified context from the kubeconfig", "contexts"),
        Delete("delete-cluster", "Delete the specified cluster from the kubeconfig", "clusters"),
        Delete("delete-user", "Delete the specified user from the kubeconfig", "users"),
        shell.Verb("rename-context", "Rename a context from the kubeconfig file", RenameContext, _name, _newName),
        shell.Verb("use-context", "Set the current-context in a kubeconfig file", UseContext, _name),
        shell.Verb("set-context", "Set a context entry in kubeconfig", SetContext, _optionalName, _current));

    private static KubeconfigFile Load(CliCall call) => KubeconfigFile.Load(call.Configuration.File, call.Environment);

    private static readonly string[] Secrets = ["certificate-authority-data", "client-certificate-data", "client-key-data", "token", "password"];

    private Task<int> View(CliCall call, CancellationToken cancel)
    {
        var config = Load(call);
        var current = call.Configuration.Context ?? config.CurrentContext;
        var context = config.Find("contexts", current)?.Value;
        if (call.Get(_minify) && context is null)
            throw new CliException(current.Length > 0 ? $"context \"{current}\" does not exist" : "current-context must exist in order to minify");
        var view = new JsonMap { ["apiVersion"] = "v1", ["kind"] = "Config", ["current-context"] = current, ["preferences"] = new JsonMap() };
        foreach (var (list, used) in new[] { ("clusters", context?.GetString("cluster")), ("contexts", current), ("users", context?.GetString("user")) })
        {
            view[list] = new JsonList(config.Names(list).Where(n => !call.Get(_minify) || n == used).Order(StringComparer.Ordinal)
                .Select(n => new JsonMap { ["name"] = n, [list[..^1]] = call.Get(_raw) ? config.Find(list, n)!.Value.Value : Redacted(config.Find(list, n)!.Value.Value) }));
        }
        if (_output.Format(call).Length > 0)
            _output.Write(call, view, []);
        else
            call.Out.Write(YamlWriter.Write(OutputFlags.Sorted(view)));
        return Task.FromResult(0);
    }

    private static JsonMap Redacted(JsonMap entry)
    {
        entry = entry.DeepClone();
        foreach (var key in Secrets.Where(entry.ContainsKey))
            entry[key] = key.EndsWith("-data", StringComparison.Ordinal) ? "DATA+OMITTED" : "REDACTED";
        return entry;
    }

    private Command Names(string name, string description, string list) => shell.Verb(name, description, (call, _) =>
    {
        call.Out.WriteLine("NAME");
        foreach (var entry in Load(call).Names(list).Order(StringComparer.Ordinal))
            call.Out.WriteLine(entry);
        return Task.FromResult(0);
    });

    private Command Delete(string verb, string description, string list) => shell.Verb(verb, description, (call, _) =>
    {
        var (name, path) = (call.Get(_name), KubeconfigFile.Paths(call.Configuration.File, call.Environment)[0]);
        if (Load(call).Find(list, name) is null)
            throw new CliException($"cannot delete {list[..^1]} {name}, not in {path}");
        Change(call, file => file[list] = new JsonList((file.GetList(list) ?? []).Where(e => (e as JsonMap)?.GetString("name") != name)));
        call.Out.WriteLine($"deleted {list[..^1]} {name} from {path}");
        return Task.FromResult(0);
    }, _name);

    private Task<int> RenameContext(CliCall call, CancellationToken cancel)
    {
        var (name, renamed) = (call.Get(_name), call.Get(_newName));
        if (Load(call).Find("contexts", name) is null)
            throw new CliException($"cannot rename the context \"{name}\", it's not in {KubeconfigFile.Paths(call.Configuration.File, call.Environment)[0]}");
        if (Load(call).Find("contexts", renamed) is not null)
            throw new CliException($"cannot rename the context \"{name}\", the context \"{renamed}\" already exists in {KubeconfigFile.Paths(call.Configuration.File, call.Environment)[0]}");
        Change(call, file =>
        {
            foreach (var entry in (file.GetList("contexts") ?? []).OfType<JsonMap>().Where(c => c.GetString("name") == name))
                entry["name"] = renamed;
            if (file.GetString("current-context") == name)
                file["current-context"] = renamed;
        });
        call.Out.WriteLine($"Context \"{name}\" renamed to \"{renamed}\".");
        return Task.FromResult(0);
    }

    private Task<int> GetContexts(CliCall call, CancellationToken cancel)
    {
        var config = Load(call);
        if (call.Get(_output.Output) == "name")
        {
            foreach (var name in config.Names("contexts").Order(StringComparer.Ordinal))
                call.Out.WriteLine(name);
            return Task.FromResult(0);
        }
        var table = new TextTable(call.Out);
        if (!call.Get(_noHeaders))
            table.Add("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE");
        foreach (var name in config.Names("contexts").Where(n => call.Get(_optionalName) is not { Length: > 0 } wanted || wanted == n).Order(StringComparer.Ordinal))
        {
            var context = config.Find("contexts", name)!.Value.Value;
            table.Add(name == config.CurrentContext ? "*" : "", name, context.GetString("cluster") ?? "", context.GetString("user") ?? "", context.GetString("namespace") ?? "");
        }
        table.Flush();
        return Task.FromResult(0);
    }

    private Task<int> UseContext(CliCall call, CancellationToken cancel)
    {
        var name = call.Get(_name);
        if (Load(call).Find("contexts", name) is null)
            throw new CliException($"no context exists with the name: \"{name}\"");
        Change(call, file => file["current-context"] = name);
        call.Out.WriteLine($"Switched to context \"{name}\".");
        return Task.FromResult(0);
    }

    private Task<int> SetContext(CliCall call, CancellationToken cancel)
    {
        var name = call.Get(_current) ? Load(call).CurrentContext : call.Get(_optionalName) is { Length: > 0 } one ? one : throw new CliException("you must specify a non-empty context name or --current");
        var created = Load(call).Find("contexts", name) is null;
        Change(call, file =>
        {
            var contexts = file.GetList("contexts") ?? [];
            file["contexts"] = contexts;
            var entry = contexts.OfType<JsonMap>().FirstOrDefault(c => c.GetString("name") == name);
            if (entry is null)
                contexts.Add(entry = new JsonMap { ["name"] = name });
            var context = entry.EnsureMap("context");
            foreach (var (key, value) in new[] { ("namespace", call.Configuration.Namespace), ("cluster", call.Configuration.Cluster), ("user", call.Configuration.User) })
            {
                if (value is not null)
                    context[key] = value;
            }
        });
        call.Out.WriteLine($"Context \"{name}\" {(created ? "created" : "modified")}.");
        return Task.FromResult(0);
    }

    /// <summary>Changes the first of the files, as a whole or not at all; its rights stay.</summary>
    private static void Change(CliCall call, Action<JsonMap> change)
    {
        var path = KubeconfigFile.Paths(call.Configuration.File, call.Environment)[0];
        var file = File.Exists(path) ? YamlReader.Read(File.ReadAllText(path)) as JsonMap ?? [] : new JsonMap { ["apiVersion"] = "v1", ["kind"] = "Config" };
        change(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".new";
        File.Delete(temporary);
        // A kubeconfig holds keys: its owner's alone.
        using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            stream.Write(System.Text.Encoding.UTF8.GetBytes(YamlWriter.Write(OutputFlags.Sorted(file))));
        File.Move(temporary, path, overwrite: true);
    }
}

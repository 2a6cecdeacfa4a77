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
    private readonly Argument<string[]> _optionalName = new("context") { Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _current = new("--current") { Description = "Modify the current context" };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "When using the default output format, don't print headers." };

    public Command Create() => CliShell.Group("config", "Modify kubeconfig files",
        shell.Verb("current-context", "Display the current-context", (call, _) =>
        {
            var current = Load(call).CurrentContext;
            call.Out.WriteLine(current.Length > 0 ? current : throw new CliException("current-context is not set"));
            return Task.FromResult(0);
        }),
        shell.Verb("get-contexts", "Describe one or many contexts", GetContexts, _optionalName, _noHeaders),
        shell.Verb("use-context", "Set the current-context in a kubeconfig file", UseContext, _name),
        shell.Verb("set-context", "Set a context entry in kubeconfig", SetContext, _optionalName, _current));

    private static KubeconfigFile Load(CliCall call) => KubeconfigFile.Load(call.Configuration.File, call.Environment);

    private Task<int> GetContexts(CliCall call, CancellationToken cancel)
    {
        var config = Load(call);
        var table = new TextTable(call.Out);
        if (!call.Get(_noHeaders))
            table.Add("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE");
        foreach (var name in config.Names("contexts").Where(n => call.Get(_optionalName) is not [var wanted] || wanted == n).Order(StringComparer.Ordinal))
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
        var name = call.Get(_current) ? Load(call).CurrentContext : call.Get(_optionalName) is [var one] ? one : throw new CliException("you must specify a non-empty context name or --current");
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

using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>What every subcommand of create shares: it makes one object and sends it.</summary>
internal abstract class Generator(CliShell shell)
{
    protected Argument<string> Name { get; } = new("name");
    private readonly MutationFlags _mutation = new(CreateVerb.Manager);
    private readonly Option<bool> _saveConfig = new("--save-config") { Description = "If true, the configuration of current object will be saved in its annotation." };

    protected CliShell Shell => shell;

    /// <param name="make">The object; its namespace is set here.</param>
    protected Command Verb(string name, string description, Func<CliCall, JsonMap> make, string[] aliases, params Symbol[] symbols) =>
        Verb(name, description, (call, _) => Task.FromResult(make(call)), aliases, symbols);

    protected Command Verb(string name, string description, Func<CliCall, CancellationToken, Task<JsonMap>> make, string[] aliases, params Symbol[] symbols)
    {
        var command = shell.Verb(name, description, async (call, cancel) =>
        {
            var obj = await make(call, cancel);
            if (call.Get(_saveConfig))
                LastApplied.Set(obj);
            var (resource, place) = await ManifestPlace.FindAsync(call, new Manifest(obj, name), cancel);
            _mutation.Report(call, ResourceArguments.Wrap(resource, await _mutation.CreateAsync(call, resource, place, obj, cancel)), "created");
            return 0;
        }, [Name, .. _mutation.Symbols, _saveConfig, .. symbols]);
        foreach (var alias in aliases)
            command.Aliases.Add(alias);
        return command;
    }

    protected static JsonMap Object(string apiVersion, string kind, string name, JsonMap? labels = null)
    {
        var metadata = new JsonMap { ["name"] = name };
        if (labels is not null)
            metadata["labels"] = labels;
        return new JsonMap { ["apiVersion"] = apiVersion, ["kind"] = kind, ["metadata"] = metadata };
    }

    /// <summary>"a=b,c=d" or repeated flags, as a map.</summary>
    internal static JsonMap Pairs(IEnumerable<string>? texts, string flag)
    {
        var map = new JsonMap();
        foreach (var text in (texts ?? []).SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            var equals = text.IndexOf('=');
            if (equals <= 0)
                throw new CliException($"invalid argument \"{text}\" for \"{flag}\" flag: {text} must be formatted as key=value");
            map[text[..equals]] = text[(equals + 1)..];
        }
        return map;
    }
}

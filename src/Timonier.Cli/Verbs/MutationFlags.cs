using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>What every changing command has: --dry-run, --field-manager, --validate, -o.</summary>
internal sealed class MutationFlags(string defaultManager)
{
    private readonly Option<string?> _dryRun = new("--dry-run") { Description = "Must be \"none\", \"server\", or \"client\"." };
    private readonly Option<string?> _manager = new("--field-manager") { Description = "Name of the manager used to track field ownership." };
    private readonly Option<string?> _validate = new("--validate") { Description = "Must be one of: strict (or true), warn, ignore (or false)." };
    private readonly OutputFlags _output = new();

    public Symbol[] Symbols => [_dryRun, _manager, _validate, .. _output.Symbols];

    public bool ClientOnly(CliCall call) => DryRun(call) == "client";

    /// <summary>Is the object to be printed?</summary>
    public bool HasOutput(CliCall call) => _output.Format(call).Length > 0;

    public string Manager(CliCall call) => call.Get(_manager) is { Length: > 0 } name ? name : defaultManager;

    private string DryRun(CliCall call) => call.Get(_dryRun) switch
    {
        null or "none" => "none",
        "client" or "unchanged" or "true" => "client",
        "server" => "server",
        "false" => "none",
        var other => throw new CliException($"Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."),
    };

    public string Query(CliCall call, bool validates = true) => QueryText.Of(
        ("dryRun", DryRun(call) == "server" ? "All" : null), ("fieldManager", Manager(call)), ("fieldValidation", validates ? Validation(call) : null));

    private string Validation(CliCall call) => call.Get(_validate) switch
    {
        null or "strict" or "true" => "Strict",
        "warn" => "Warn",
        "ignore" or "false" => "Ignore",
        var other => throw new CliException($"invalid - validate option \"{other}\""),
    };

    /// <summary>The object in the form asked for, or "pod/web created".</summary>
    /// <param name="noteDryRun">patch alone does not say so.</param>
    public void Report(CliCall call, ResourceObject done, string what, bool noteDryRun = true)
    {
        if (_output.Format(call).Length > 0)
        {
            _output.Write(call, done.Object, [done]);
            return;
        }
        var note = !noteDryRun ? "" : DryRun(call) switch { "client" => " (dry run)", "server" => " (server dry run)", _ => "" };
        call.Out.WriteLine($"{done.Title} {what}{note}");
    }

    public async Task<JsonMap> CreateAsync(CliCall call, MappedResource resource, string @namespace, JsonMap obj, CancellationToken cancel) =>
        ClientOnly(call) ? obj : await call.Cluster.SendAsync("POST", ResourcePath.For(resource.Resource, @namespace), Query(call), obj, cancel);

    public async Task<JsonMap> PatchAsync(CliCall call, ResourceObject target, string contentType, object? patch, CancellationToken cancel, string? subresource = null)
    {
        var path = ResourcePath.For(target.Resource.Resource, target.Namespace, target.Name, subresource);
        var request = new ApiRequest { Method = "PATCH", Path = path, Query = Query(call), Body = JsonEncoder.Encode(patch), ContentType = contentType };
        return JsonParser.ParseMap(System.Buffers.BuffersExtensions.ToArray((await call.Cluster.Client.SendAsync(request, cancel)).Body));
    }
}

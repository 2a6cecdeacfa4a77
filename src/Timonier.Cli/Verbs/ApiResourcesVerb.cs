using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl api-resources and kubectl api-versions.</summary>
internal sealed class ApiResourcesVerb(CliShell shell)
{
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Output format. One of: (wide, name)." };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "When using the default or custom-column output format, don't print headers." };
    private readonly Option<string?> _group = new("--api-group") { Description = "Limit to resources in the specified API group." };
    private readonly Option<bool?> _namespaced = new("--namespaced") { Description = "If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default." };
    private readonly Option<string[]> _verbs = new("--verbs") { Description = "Limit to resources that support the specified verbs." };
    private readonly Option<string[]> _categories = new("--categories") { Description = "Limit to resources that belong to the specified categories." };

    public Command Resources() => shell.Verb("api-resources", "Print the supported API resources on the server", RunAsync, _output, _noHeaders, _group, _namespaced, _verbs, _categories);

    public Command Versions() => shell.Verb("api-versions", "Print the supported API versions on the server, in the form of \"group/version\"", async (call, cancel) =>
    {
        foreach (var version in (await call.Cluster.Mapper.AllAsync(cancel)).Select(r => r.GroupVersion.ToString()).Distinct().Order(StringComparer.Ordinal))
            call.Out.WriteLine(version);
        return 0;
    });

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var all = await call.Cluster.Mapper.AllAsync(cancel);
        // Of each group, what its preferred version has.
        var preferred = all.GroupBy(r => r.Resource.Group).SelectMany(g => g.DistinctBy(r => r.Resource.Resource)).Where(r => Wanted(call, r));
        var table = new TextTable(call.Out);
        if (call.Get(_output) == "name")
        {
            foreach (var resource in preferred.OrderBy(r => r.Resource.Group, StringComparer.Ordinal).ThenBy(r => r.Resource.Resource, StringComparer.Ordinal))
                call.Out.WriteLine(resource.GroupResource);
            return 0;
        }
        var wide = call.Get(_output) == "wide";
        if (!call.Get(_noHeaders))
            table.Add([.. new[] { "NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND" }, .. wide ? new[] { "VERBS", "CATEGORIES" } : []]);
        foreach (var resource in preferred.OrderBy(r => r.Resource.Group, StringComparer.Ordinal).ThenBy(r => r.Resource.Resource, StringComparer.Ordinal))
        {
            string[] cells = [resource.Resource.Resource, string.Join(',', resource.ShortNames), resource.GroupVersion.ToString(), resource.Namespaced ? "true" : "false", resource.Kind];
            table.Add(wide ? [.. cells, string.Join(',', resource.Verbs), string.Join(',', resource.Categories)] : cells);
        }
        table.Flush();
        return 0;
    }

    private bool Wanted(CliCall call, MappedResource resource) =>
        (call.Get(_group) is not { } group || resource.Resource.Group == group)
        && (call.Get(_namespaced) is not { } namespaced || resource.Namespaced == namespaced)
        && (call.Get(_verbs) ?? []).SelectMany(v => v.Split(',')).All(resource.Verbs.Contains)
        && (call.Get(_categories) ?? []).SelectMany(c => c.Split(',')).All(resource.Categories.Contains);
}

using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl wait --for=condition=X[=V] | delete | create | jsonpath={...}=V.</summary>
internal sealed class WaitVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly SelectionFlags _selection = new();
    private readonly Option<bool> _all = new("--all") { Description = "Select all resources in the namespace of the specified resource types." };
    private readonly Option<string> _for = new("--for") { Required = true, Description = "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath expression}'=[JSONPath value]]." };
    private readonly Option<string> _timeout = new("--timeout") { DefaultValueFactory = _ => "30s", Description = "The length of time to wait before giving up. Zero means check once and don't wait." };

    public Command Create() => shell.Verb("wait", "Wait for a specific condition on one or many resources", RunAsync, [_words, .. _manifests.Symbols, .. _selection.Symbols, _all, _for, _timeout]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var (done, word) = Condition(call.Get(_for)!);
        var limit = CliText.Duration(call.Get(_timeout)!, "--timeout");
        if (limit < TimeSpan.Zero)
            limit = TimeSpan.FromDays(7);
        var targets = await TargetsAsync(call, word, cancel);
        if (targets.Count == 0)
        {
            if (word == "deleted")
                return 0;
            throw new CliException("no matching resources found");
        }
        // All together: the limit is for each.
        var results = await Task.WhenAll(targets.Select(async t => (Target: t, Met: done(t.Object.Count == 0 ? null : t.Object) && word != "deleted" || (limit > TimeSpan.Zero && await ObjectWait.UntilAsync(call, t, limit, done, cancel)))));
        foreach (var (target, met) in results)
        {
            if (met)
                call.Out.WriteLine($"{target.Title} {word}");
            else
                call.Error.WriteLine($"error: timed out waiting for the condition on {target.Resource.GroupResource}/{target.Name}");
        }
        return results.All(r => r.Met) ? 0 : 1;
    }

    private async Task<IReadOnlyList<ResourceObject>> TargetsAsync(CliCall call, string word, CancellationToken cancel)
    {
        try
        {
            return await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, _selection, call.Get(_all), cancel);
        }
        catch (ApiException e) when (e.IsNotFound && word == "deleted")
        {
            return [];
        }
        catch (ApiException e) when (e.IsNotFound && word == "condition met" && call.Get(_for) == "create")
        {
            return await ObjectTargets.NamedAsync(call, call.Get(_words), _manifests, cancel);
        }
    }

    private static (Func<JsonMap?, bool> Done, string Word) Condition(string text)
    {
        if (text.Equals("delete", StringComparison.OrdinalIgnoreCase))
            return (obj => obj is null, "deleted");
        if (text.Equals("create", StringComparison.OrdinalIgnoreCase))
            return (obj => obj is not null, "condition met");
        if (text.StartsWith("condition=", StringComparison.Ordinal))
        {
            var parts = text["condition=".Length..].Split('=', 2);
            var value = parts.Length > 1 ? parts[1] : "true";
            return (obj => (obj?.GetMap("status")?.GetList("conditions") ?? []).OfType<JsonMap>().Any(c => string.Equals(c.GetString("type"), parts[0], StringComparison.OrdinalIgnoreCase)
                && string.Equals(c.GetString("status"), value, StringComparison.OrdinalIgnoreCase) && IsCurrent(obj!, c)), "condition met");
        }
        if (text.StartsWith("jsonpath=", StringComparison.Ordinal))
        {
            var rest = text["jsonpath=".Length..].Trim('\'');
            var end = rest.LastIndexOf('}');
            var path = JsonPathTemplate.Parse(end < 0 ? rest : rest[..(end + 1)]);
            var value = end >= 0 && end + 1 < rest.Length ? rest[(end + 1)..].TrimStart('=').Trim('\'', '"') : null;
            return (obj => obj is not null && path.Values(obj) is [var found, ..] && (value is null || JsonPathTemplate.Show(found) == value), "condition met");
        }
        throw new CliException($"unrecognized condition: \"{text}\"");
    }

    /// <summary>A condition that was observed of an older spec says nothing of this one.</summary>
    private static bool IsCurrent(JsonMap obj, JsonMap condition) =>
        condition.GetInteger("observedGeneration") is not { } observed || obj.GetPath("metadata", "generation") is not long generation || observed >= generation;
}

using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Printing;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl auth can-i, kubectl auth whoami.</summary>
internal sealed class AuthVerb(CliShell shell)
{
    private const string Path = "/apis/authorization.k8s.io/v1/";

    private readonly Argument<string[]> _words = new("verb") { Arity = ArgumentArity.ZeroOrMore, Description = "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]" };
    private readonly Option<bool> _list = new("--list") { Description = "If true, prints all allowed actions." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "If true, suppress output and just return the exit code." };
    private readonly Option<bool> _allNamespaces = new("--all-namespaces", "-A") { Description = "If true, check the specified action in all namespaces." };
    private readonly Option<string?> _subresource = new("--subresource") { Description = "SubResource such as pod/log or deployment/scale" };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "If true, prints allowed actions without headers" };
    private readonly OutputFlags _output = new();

    public Command Create() => CliShell.Group("auth", "Inspect authorization",
        shell.Verb("can-i", "Check whether an action is allowed", CanIAsync, _words, _list, _quiet, _allNamespaces, _subresource, _noHeaders),
        shell.Verb("whoami", "Experimental: Check self subject attributes", WhoAmIAsync, _output.Symbols));

    private async Task<int> CanIAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_list))
            return await ListAsync(call, cancel);
        var words = call.Get(_words);
        if (words.Length is < 2 or > 3)
            throw new CliException("you must specify two arguments: verb resource or verb resource/resourceName.");
        var spec = new JsonMap();
        if (words[1].StartsWith('/'))
            spec["nonResourceAttributes"] = new JsonMap { ["verb"] = words[0], ["path"] = words[1] };
        else
            spec["resourceAttributes"] = await ResourceAsync(call, words, cancel);
        var review = new JsonMap { ["apiVersion"] = "authorization.k8s.io/v1", ["kind"] = "SelfSubjectAccessReview", ["spec"] = spec };
        var answer = await call.Cluster.SendAsync("POST", Path + "selfsubjectaccessreviews", "", review, cancel);
        var allowed = answer.GetPath("status", "allowed") is true;
        if (!call.Get(_quiet))
            call.Out.WriteLine((allowed ? "yes" : "no") + (!allowed && answer.GetPath("status", "reason") is string { Length: > 0 } reason ? " - " + reason : ""));
        return allowed ? 0 : 1;
    }

    private async Task<JsonMap> ResourceAsync(CliCall call, string[] words, CancellationToken cancel)
    {
        var slash = words[1].IndexOf('/');
        var (type, name) = slash < 0 ? (words[1], words.Length > 2 ? words[2] : "") : (words[1][..slash], words[1][(slash + 1)..]);
        var attributes = new JsonMap { ["verb"] = words[0], ["resource"] = type, ["name"] = name };
        try
        {
            if (type != "*")
            {
                var found = await call.Cluster.Mapper.FindAsync(type, cancel);
                (attributes["group"], attributes["resource"]) = (found.Resource.Group, found.Resource.Resource);
                if (!found.Namespaced)
                    call.Error.WriteLine($"Warning: resource '{found.Resource.Resource}' is not namespace scoped{(found.Resource.Group.Length > 0 ? $" in group '{found.Resource.Group}'" : "")}\n");
            }
            else
                attributes["group"] = "*";
        }
        catch (CliException)
        {
            call.Error.WriteLine($"Warning: the server doesn't have a resource type '{type}'\n");
        }
        if (!call.Get(_allNamespaces))
            attributes["namespace"] = call.Namespace;
        if (call.Get(_subresource) is { Length: > 0 } subresource)
            attributes["subresource"] = subresource;
        return attributes;
    }

    private async Task<int> ListAsync(CliCall call, CancellationToken cancel)
    {
        var review = new JsonMap { ["apiVersion"] = "authorization.k8s.io/v1", ["kind"] = "SelfSubjectRulesReview", ["spec"] = new JsonMap { ["namespace"] = call.Namespace } };
        var answer = await call.Cluster.SendAsync("POST", Path + "selfsubjectrulesreviews", "", review, cancel);
        var table = new TextTable(call.Out);
        if (!call.Get(_noHeaders))
            table.Add("Resources", "Non-Resource URLs", "Resource Names", "Verbs");
        static string List(JsonMap rule, string key) => "[" + string.Join(' ', rule.GetList(key) ?? []) + "]";
        foreach (var rule in (answer.GetMap("status")?.GetList("resourceRules") ?? []).OfType<JsonMap>())
        {
            foreach (var group in (rule.GetList("apiGroups") ?? []).OfType<string>())
            {
                foreach (var resource in (rule.GetList("resources") ?? []).OfType<string>())
                    table.Add(group.Length > 0 ? $"{resource}.{group}" : resource, "[]", List(rule, "resourceNames"), List(rule, "verbs"));
            }
        }
        foreach (var rule in (answer.GetMap("status")?.GetList("nonResourceRules") ?? []).OfType<JsonMap>())
        {
            foreach (var url in (rule.GetList("nonResourceURLs") ?? []).OfType<string>())
                table.Add("", $"[{url}]", "[]", List(rule, "verbs"));
        }
        table.Flush();
        return 0;
    }

    private async Task<int> WhoAmIAsync(CliCall call, CancellationToken cancel)
    {
        var review = new JsonMap { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "SelfSubjectReview" };
        var answer = await call.Cluster.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "", review, cancel);
        if (!_output.IsTable(call))
        {
            _output.Write(call, answer, []);
            return 0;
        }
        var user = answer.GetPath("status", "userInfo") as JsonMap ?? [];
        var table = new TextTable(call.Out);
        table.Add("ATTRIBUTE", "VALUE");
        table.Add("Username", user.GetString("username") ?? "");
        if (user.GetString("uid") is { Length: > 0 } uid)
            table.Add("UID", uid);
        if (user.GetList("groups") is { Count: > 0 } groups)
            table.Add("Groups", "[" + string.Join(' ', groups) + "]");
        foreach (var (key, values) in user.GetMap("extra") ?? [])
            table.Add("Extra: " + key, "[" + string.Join(' ', values as JsonList ?? []) + "]");
        table.Flush();
        return 0;
    }
}

using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>create token: a token of a service account, on standard output.</summary>
internal sealed class TokenGenerator(CliShell shell)
{
    private readonly Argument<string> _name = new("name");
    private readonly Option<string?> _duration = new("--duration") { Description = "Requested lifetime of the issued token." };
    private readonly Option<string[]> _audiences = new("--audience") { Description = "Audience of the requested token." };
    private readonly Option<string?> _kind = new("--bound-object-kind") { Description = "Kind of an object to bind the token to. Supported kinds are Node, Pod, Secret." };
    private readonly Option<string?> _boundName = new("--bound-object-name") { Description = "Name of an object to bind the token to." };
    private readonly Option<string?> _uid = new("--bound-object-uid") { Description = "UID of an object to bind the token to." };

    public Command Create() => shell.Verb("token", "Request a service account token", RunAsync, _name, _duration, _audiences, _kind, _boundName, _uid);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var spec = new JsonMap { ["audiences"] = new JsonList(call.Get(_audiences) ?? []) };
        if (call.Get(_duration) is { Length: > 0 } duration)
            spec["expirationSeconds"] = (long)CliText.Duration(duration, "--duration").TotalSeconds;
        if (call.Get(_kind) is { Length: > 0 } kind)
        {
            spec["boundObjectRef"] = new JsonMap { ["kind"] = kind, ["apiVersion"] = "v1", ["name"] = call.Get(_boundName) ?? throw new CliException("--bound-object-name is required if --bound-object-kind is provided") };
            if (call.Get(_uid) is { Length: > 0 } uid)
                spec.GetMap("boundObjectRef")!["uid"] = uid;
        }
        var request = new JsonMap { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = spec };
        var answer = await call.Cluster.SendAsync("POST", ResourcePath.For(new("", "v1", "serviceaccounts"), call.Namespace, call.Get(_name), "token"), "", request, cancel);
        call.Out.WriteLine(answer.GetPath("status", "token"));
        return 0;
    }
}

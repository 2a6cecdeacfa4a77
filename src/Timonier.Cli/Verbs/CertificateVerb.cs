using System.CommandLine;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl certificate approve, deny: of signing requests.</summary>
internal sealed class CertificateVerb(CliShell shell)
{
    private static readonly Api.Schema.GroupVersionResource Requests = new("certificates.k8s.io", "v1", "certificatesigningrequests");

    private readonly Argument<string[]> _names = new("name") { Arity = ArgumentArity.OneOrMore };
    private readonly MutationFlags _mutation = new("kubectl-certificate");

    public Command Create() => CliShell.Group("certificate", "Modify certificate resources", Sub("approve", "Approve a certificate signing request", "Approved"), Sub("deny", "Deny a certificate signing request", "Denied"));

    private Command Sub(string name, string description, string type) => shell.Verb(name, description, async (call, cancel) =>
    {
        var resource = await call.Cluster.Mapper.FindAsync("certificatesigningrequests", cancel);
        foreach (var word in call.Get(_names))
        {
            var request = await call.Cluster.Client.GetTreeAsync(Requests, "", word[(word.IndexOf('/') + 1)..], cancellationToken: cancel);
            var conditions = request.EnsureMap("status").GetList("conditions") ?? [];
            if (!conditions.OfType<JsonMap>().Any(c => c.GetString("type") == type))
            {
                conditions.Add(new JsonMap { ["type"] = type, ["status"] = "True", ["reason"] = $"Kubectl{(type == "Approved" ? "Approve" : "Deny")}", ["message"] = $"This CSR was {type.ToLowerInvariant()} by kubectl certificate {name}." });
                request.GetMap("status")!["conditions"] = conditions;
                request = await call.Cluster.SendAsync("PUT", ResourcePath.For(Requests, "", (string)request.GetPath("metadata", "name")!, "approval"), _mutation.Query(call), request, cancel);
            }
            _mutation.Report(call, ResourceArguments.Wrap(resource, request), type.ToLowerInvariant());
        }
        return 0;
    }, [_names, .. _mutation.Symbols]);
}

using System.CommandLine;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl cluster-info: where the API is.</summary>
internal sealed class ClusterInfoVerb(CliShell shell)
{
    public Command Create() => shell.Verb("cluster-info", "Display cluster information", async (call, cancel) =>
    {
        await call.Cluster.Client.SendAsync(new ApiRequest { Method = "GET", Path = "/version" }, cancel);
        call.Out.WriteLine($"Kubernetes control plane is running at {call.Cluster.Connection.Options.Server.ToString().TrimEnd('/')}");
        return 0;
    });
}

using System.CommandLine;

namespace Timonier.Cli.Verbs;

/// <summary>The subcommands of kubectl create.</summary>
internal sealed class Generators(CliShell shell)
{
    public IEnumerable<Command> Commands()
    {
        yield return new SimpleGenerators(shell).Namespace();
        yield return new SimpleGenerators(shell).ServiceAccount();
        yield return new SimpleGenerators(shell).Quota();
        yield return new SimpleGenerators(shell).PriorityClass();
        yield return new SimpleGenerators(shell).PodDisruptionBudget();
        yield return new DataGenerators(shell).ConfigMap();
        yield return new DataGenerators(shell).Secret();
        yield return new WorkloadGenerators(shell).Deployment();
        yield return new WorkloadGenerators(shell).Job();
        yield return new WorkloadGenerators(shell).CronJob();
        yield return new ServiceGenerators(shell).Service();
        yield return new ServiceGenerators(shell).Ingress();
        yield return new RbacGenerators(shell).Role("role");
        yield return new RbacGenerators(shell).Role("clusterrole");
        yield return new RbacGenerators(shell).Binding("rolebinding");
        yield return new RbacGenerators(shell).Binding("clusterrolebinding");
        yield return new TokenGenerator(shell).Create();
    }
}

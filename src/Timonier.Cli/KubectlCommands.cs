using System.CommandLine;
using Timonier.Cli.Config;
using Timonier.Cli.Verbs;

namespace Timonier.Cli;

/// <summary>kubectl's verbs as commands.</summary>
public static class KubectlCommands
{
    /// <summary>Adds every verb to <paramref name="root"/> but those that it has. Nothing is read or connected before one of them runs.</summary>
    public static void AddTo(RootCommand root, CliEnvironment environment)
    {
        var shell = new CliShell(environment);
        var present = root.Subcommands.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var verb in Verbs(shell).Where(v => !present.Contains(v.Name)))
        {
            foreach (var option in shell.Flags.All)
                verb.Options.Add(option);
            root.Subcommands.Add(verb);
        }
    }

    /// <summary>kubectl takes its common flags before the verb too: they are put behind it, where the verb knows them.</summary>
    public static string[] Arrange(string[] arguments)
    {
        var options = new GlobalFlags().All.SelectMany(o => o.Aliases.Append(o.Name).Select(name => (name, IsFlag: o.ValueType == typeof(bool)))).ToDictionary(o => o.name, o => o.IsFlag, StringComparer.Ordinal);
        var verb = 0;
        while (verb < arguments.Length && options.TryGetValue(arguments[verb].Split('=')[0], out var isFlag))
            verb += isFlag || arguments[verb].Contains('=') ? 1 : 2;
        return verb == 0 || verb >= arguments.Length ? arguments : [arguments[verb], .. arguments[..verb], .. arguments[(verb + 1)..]];
    }

    private static IEnumerable<Command> Verbs(CliShell shell)
    {
        yield return new GetVerb(shell).Create();
        yield return new CreateVerb(shell).Create();
        yield return new ApplyVerb(shell).Create();
        yield return new DeleteVerb(shell).Create();
        yield return new PatchVerb(shell).Create();
        yield return new LabelVerb(shell, "label", "labels", "labeled").Create();
        yield return new LabelVerb(shell, "annotate", "annotations", "annotated").Create();
        yield return new ScaleVerb(shell).Create();
        yield return new RolloutVerb(shell).Create();
        yield return new WaitVerb(shell).Create();
        yield return new ExplainVerb(shell).Create();
        yield return new ApiResourcesVerb(shell).Resources();
        yield return new ApiResourcesVerb(shell).Versions();
        yield return new RunVerb(shell).Create();
        yield return new ExposeVerb(shell).Create();
        yield return new KustomizeVerb(shell).Create();
        yield return new ConfigVerb(shell).Create();
        yield return new DescribeVerb(shell).Create();
        yield return new TopVerb(shell).Create();
        yield return new AuthVerb(shell).Create();
        yield return new CopyVerb(shell).Create();
        yield return new ReplaceVerb(shell).Create();
        yield return new EditVerb(shell).Create();
        yield return new DiffVerb(shell).Create();
        yield return new SetVerb(shell).Create();
        yield return new AutoscaleVerb(shell).Create();
        yield return new EventsVerb(shell).Create();
        yield return new CertificateVerb(shell).Create();
        yield return new ClusterInfoVerb(shell).Create();
        yield return new TaintVerb(shell).Create();
        yield return new NodeVerbs(shell).Cordon();
        yield return new NodeVerbs(shell).Uncordon();
        yield return new NodeVerbs(shell).Drain();
        yield return new LogsVerb(shell).Create();
        yield return new ExecVerb(shell).Exec();
        yield return new ExecVerb(shell).Attach();
        yield return new PortForwardVerb(shell).Create();
    }
}

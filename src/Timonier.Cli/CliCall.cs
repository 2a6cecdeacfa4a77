using System.CommandLine;
using Timonier.Cli.Config;

namespace Timonier.Cli;

/// <summary>One run of a command: its flags, and the cluster that they choose, opened when first asked for.</summary>
internal sealed class CliCall(ParseResult parsed, CliShell shell) : IDisposable
{
    private Cluster? _cluster;

    public ParseResult Parsed => parsed;
    public CliEnvironment Environment => shell.Environment;
    public TextWriter Out => shell.Environment.Out;
    public TextWriter Error => shell.Environment.Error;

    public Cluster Cluster => _cluster ??= new Cluster(ClusterConnection.Open(Configuration, shell.Environment), shell.Environment);

    public KubeconfigChoice Configuration => shell.Flags.Choice(parsed);

    public string Namespace => Cluster.Connection.Namespace;

    /// <summary>Did the person name a namespace by a flag?</summary>
    public bool NamespaceGiven => shell.Flags.NamespaceGiven(parsed);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    public bool Given(Option option) => parsed.GetResult(option) is { Implicit: false };

    public void Dispose() => _cluster?.Dispose();
}

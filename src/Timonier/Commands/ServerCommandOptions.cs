using System.CommandLine;
using System.Net;
using Timonier.Api;
using Timonier.Kubelet.Eviction;
using Timonier.Local;
using Timonier.Server;

namespace Timonier.Commands;

/// <summary>The options that "server" and "up" share.</summary>
internal sealed class ServerCommandOptions
{
    private readonly Option<string> _dataDirectory = DataDirectoryOption();
    private readonly Option<string> _listen = new("--listen") { Description = "HOST:PORT of the API", DefaultValueFactory = _ => $"0.0.0.0:{ServerOptions.DefaultPort}" };
    private readonly Option<bool> _noNode = new("--no-node") { Description = "No node on this machine: needs no root and runs no containers" };
    private readonly Option<bool> _noControllers = new("--no-controllers") { Description = "The API alone, without control loops and scheduler", Hidden = true };
    private readonly Option<string> _nodeName = new("--node-name") { Description = "The name of this machine's node (default: the host's name)", DefaultValueFactory = _ => Dns.GetHostName().ToLowerInvariant() };
    private readonly Option<string> _serviceCidr = new("--service-cidr") { Description = "The network of Service addresses", DefaultValueFactory = _ => "10.96.0.0/16" };
    private readonly Option<string> _podCidr = new("--pod-cidr") { Description = "The network of this node's pods", DefaultValueFactory = _ => "10.244.0.0/24" };
    private readonly Option<string> _clusterDomain = new("--cluster-domain") { Description = "The domain of cluster DNS", DefaultValueFactory = _ => "cluster.local" };
    private readonly Option<string> _history = new("--history") { Description = "For how long past states can be watched and paged", DefaultValueFactory = _ => "5m" };
    private readonly Option<string> _instance = new("--instance") { Description = "Up to 6 letters or digits in names of bridges and tables, to run several clusters on one machine", DefaultValueFactory = _ => "" };

    private readonly Option<string> _evictionHard = new("--eviction-hard") { Description = "What the node keeps free by ending pods, as SIGNAL<VALUE,...", DefaultValueFactory = _ => EvictionThreshold.Defaults };
    private readonly IReadOnlyList<Option<string[]>> _access = [.. AccessFlags.Known.Select(f => new Option<string[]>("--" + f.Name) { Description = f.Description, AllowMultipleArgumentsPerToken = false })];

    public static Option<string> DataDirectoryOption() => new("--data-dir")
    {
        Description = "Where data, certificates and tokens live",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("TIMONIER_DATA_DIR") is { Length: > 0 } directory ? directory : ClusterPaths.DefaultDataDirectory,
    };

    /// <summary>A command with all of these options.</summary>
    public static Command Command(string name, string description, Func<ServerOptions, CancellationToken, Task> run)
    {
        var (options, command) = (new ServerCommandOptions(), new Command(name, description));
        options.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            await run(options.Read(parsed), cancel);
            return 0;
        });
        return command;
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_dataDirectory, _listen, _noNode, _noControllers, _nodeName, _serviceCidr, _podCidr, _clusterDomain, _history, _instance, _evictionHard, .. _access])
            command.Add(option);
    }

    /// <exception cref="CommandException">A value that is none.</exception>
    public ServerOptions Read(ParseResult parsed)
    {
        var listen = parsed.GetValue(_listen)!;
        var colon = listen.LastIndexOf(':');
        if (colon < 0 || !IPEndPoint.TryParse((colon == 0 ? "0.0.0.0" : listen[..colon].Replace("localhost", "127.0.0.1", StringComparison.Ordinal)) + listen[colon..], out var endPoint) || endPoint.Port == 0)
            throw new CommandException($"--listen {listen}: HOST:PORT is wanted, with HOST an address of this machine");
        var instance = parsed.GetValue(_instance)!;
        if (instance.Length > 6 || !instance.All(char.IsAsciiLetterOrDigit))
            throw new CommandException($"--instance {instance}: up to 6 letters or digits are wanted");
        if (!GoDuration.TryParse(parsed.GetValue(_history)!, out var history) || history < TimeSpan.FromSeconds(1))
            throw new CommandException($"--history {parsed.GetValue(_history)}: a time such as 5m is wanted, at least 1s");
        return new ServerOptions
        {
            Paths = new ClusterPaths(Path.GetFullPath(parsed.GetValue(_dataDirectory)!)),
            Listen = endPoint,
            NoNode = parsed.GetValue(_noNode),
            NoControllers = parsed.GetValue(_noControllers),
            NodeName = parsed.GetValue(_nodeName)!,
            ServiceCidr = Network("--service-cidr", parsed.GetValue(_serviceCidr)!),
            PodCidr = Network("--pod-cidr", parsed.GetValue(_podCidr)!),
            ClusterDomain = parsed.GetValue(_clusterDomain)!,
            History = history,
            Instance = instance,
            EvictionHard = Thresholds(parsed.GetValue(_evictionHard)!),
            Access = new AccessFlags(_access.Where(o => parsed.GetValue(o) is { Length: > 0 }).ToDictionary(o => o.Name[2..], o => (IReadOnlyList<string>)parsed.GetValue(o)!)),
        };
    }

    /// <summary>The same options as arguments, for the server that "up" starts.</summary>
    public static IReadOnlyList<string> ToArguments(ServerOptions options) =>
    [
        "--data-dir", options.Paths.DataDirectory, "--listen", options.Listen.ToString(), "--node-name", options.NodeName,
        "--service-cidr", options.ServiceCidr.ToString(), "--pod-cidr", options.PodCidr.ToString(), "--cluster-domain", options.ClusterDomain,
        "--eviction-hard", options.EvictionHard,
        "--history", GoDuration.Format(options.History),
        .. options.Instance.Length > 0 ? (string[])["--instance", options.Instance] : [],
        .. options.NoNode ? (string[])["--no-node"] : [],
        .. options.Access.ToArguments(),
    ];

    private static string Thresholds(string text)
    {
        try
        {
            EvictionThreshold.Parse(text);
            return text;
        }
        catch (FormatException e)
        {
            throw new CommandException($"--eviction-hard: {e.Message}");
        }
    }

    private static IPNetwork Network(string option, string text) =>
        IPNetwork.TryParse(text, out var network) && network.PrefixLength <= 28 ? network : throw new CommandException($"{option} {text}: a network such as 10.96.0.0/16 is wanted");
}

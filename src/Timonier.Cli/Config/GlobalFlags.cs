using System.CommandLine;

namespace Timonier.Cli.Config;

/// <summary>What the flags say of the cluster; null where they say nothing.</summary>
internal sealed record KubeconfigChoice
{
    public string? File { get; init; }
    public string? Context { get; init; }
    public string? Cluster { get; init; }
    public string? User { get; init; }
    public string? Namespace { get; init; }
    public string? Server { get; init; }
    public string? Token { get; init; }
    public string? AuthorityFile { get; init; }
    public string? CertificateFile { get; init; }
    public string? KeyFile { get; init; }
    public string? TlsServerName { get; init; }
    public bool? SkipVerification { get; init; }
    public string? ActAs { get; init; }
    public IReadOnlyList<string> ActAsGroups { get; init; } = [];
    public string? ActAsUid { get; init; }
    public TimeSpan? RequestTimeout { get; init; }
}

/// <summary>kubectl's flags that every command has.</summary>
internal sealed class GlobalFlags
{
    private readonly Option<string?> _kubeconfig = Text("--kubeconfig", "Path to the kubeconfig file to use for CLI requests.");
    private readonly Option<string?> _context = Text("--context", "The name of the kubeconfig context to use");
    private readonly Option<string?> _cluster = Text("--cluster", "The name of the kubeconfig cluster to use");
    private readonly Option<string?> _user = Text("--user", "The name of the kubeconfig user to use");
    private readonly Option<string?> _namespace = Text("--namespace", "If present, the namespace scope for this CLI request", "-n");
    private readonly Option<string?> _server = Text("--server", "The address and port of the Kubernetes API server", "-s");
    private readonly Option<string?> _token = Text("--token", "Bearer token for authentication to the API server");
    private readonly Option<string?> _authority = Text("--certificate-authority", "Path to a cert file for the certificate authority");
    private readonly Option<string?> _certificate = Text("--client-certificate", "Path to a client certificate file for TLS");
    private readonly Option<string?> _key = Text("--client-key", "Path to a client key file for TLS");
    private readonly Option<string?> _tlsServerName = Text("--tls-server-name", "Server name to use for server certificate validation");
    private readonly Option<bool> _skipVerification = new("--insecure-skip-tls-verify") { Recursive = true, Description = "If true, the server's certificate will not be checked for validity" };
    private readonly Option<string?> _as = Text("--as", "Username to impersonate for the operation");
    private readonly Option<string[]> _asGroups = new("--as-group") { Recursive = true, Description = "Group to impersonate for the operation" };
    private readonly Option<string?> _asUid = Text("--as-uid", "UID to impersonate for the operation");
    private readonly Option<string?> _requestTimeout = Text("--request-timeout", "The length of time to wait before giving up on a single server request");

    public IEnumerable<Option> All => [_kubeconfig, _context, _cluster, _user, _namespace, _server, _token, _authority, _certificate, _key, _tlsServerName, _skipVerification, _as, _asGroups, _asUid, _requestTimeout];

    public bool NamespaceGiven(ParseResult parsed) => parsed.GetResult(_namespace) is { Implicit: false };

    public KubeconfigChoice Choice(ParseResult parsed) => new()
    {
        File = parsed.GetValue(_kubeconfig), Context = parsed.GetValue(_context), Cluster = parsed.GetValue(_cluster), User = parsed.GetValue(_user),
        Namespace = parsed.GetValue(_namespace), Server = parsed.GetValue(_server), Token = parsed.GetValue(_token), AuthorityFile = parsed.GetValue(_authority),
        CertificateFile = parsed.GetValue(_certificate), KeyFile = parsed.GetValue(_key), TlsServerName = parsed.GetValue(_tlsServerName),
        SkipVerification = parsed.GetResult(_skipVerification) is { Implicit: false } ? parsed.GetValue(_skipVerification) : null,
        ActAs = parsed.GetValue(_as), ActAsGroups = parsed.GetValue(_asGroups) ?? [], ActAsUid = parsed.GetValue(_asUid),
        RequestTimeout = parsed.GetValue(_requestTimeout) is { Length: > 0 } text ? CliText.Duration(text, "--request-timeout") : null,
    };

    private static Option<string?> Text(string name, string description, params string[] aliases) => new(name, aliases) { Recursive = true, Description = description };
}

namespace Timonier.Server;

/// <summary>kube-apiserver's own flags about who may come in and what is recorded and encrypted: the same names, the same meaning.</summary>
/// <param name="Values">By name, without dashes; only those that were given.</param>
public sealed record AccessFlags(IReadOnlyDictionary<string, IReadOnlyList<string>> Values)
{
    public static readonly AccessFlags None = new(new Dictionary<string, IReadOnlyList<string>>());

    /// <summary>Every flag, with what its help says.</summary>
    public static readonly IReadOnlyList<(string Name, string Description)> Known =
    [
        ("audit-policy-file", "File with the audit policy (audit.k8s.io/v1 Policy)"),
        ("audit-log-path", "File that takes audit events, one JSON object a line; - is standard output"),
        ("audit-log-maxage", "Days that files set aside are kept; 0: for ever"),
        ("audit-log-maxbackup", "How many files set aside are kept; 0: all"),
        ("audit-log-maxsize", "Megabytes at which the file is set aside; 0: never"),
        ("audit-webhook-config-file", "Kubeconfig of a service that takes audit events"),
        ("audit-webhook-batch-max-size", "Events sent to it at once (default 400)"),
        ("audit-webhook-initial-backoff", "How long to wait before it is tried again, half as long again each time (default 10s)"),
        ("client-ca-file", "Authorities of client certificates beside the cluster's own; read again when it changes"),
        ("anonymous-auth", "false refuses requests that carry nothing"),
        ("token-auth-file", "File of tokens: TOKEN,USER,UID,\"GROUP1,GROUP2\" a line"),
        ("authentication-config", "File with issuers of tokens and anonymous access (AuthenticationConfiguration)"),
        ("oidc-issuer-url", "The issuer of OpenID Connect tokens that are believed"),
        ("oidc-client-id", "For whom the issuer's tokens must be"),
        ("oidc-username-claim", "The claim that is the user's name (default sub)"),
        ("oidc-username-prefix", "Put before the name; - is none (default ISSUER# unless the claim is email)"),
        ("oidc-groups-claim", "The claim that is the user's groups"),
        ("oidc-groups-prefix", "Put before each group"),
        ("oidc-required-claim", "KEY=VALUE that a token must have; may be repeated"),
        ("oidc-signing-algs", "Algorithms that are believed, comma-separated (default RS256)"),
        ("oidc-ca-file", "The authority of the issuer's certificate"),
        ("authentication-token-webhook-config-file", "Kubeconfig of a service that knows tokens"),
        ("authentication-token-webhook-cache-ttl", "How long its answers hold (default 2m)"),
        ("authentication-token-webhook-version", "Version of the TokenReview it gets: v1 or v1beta1"),
        ("authorization-mode", "Who decides what somebody may do, in order: Node,RBAC (the default), Webhook, AlwaysAllow, AlwaysDeny"),
        ("authorization-config", "File that says the same with several webhooks (AuthorizationConfiguration)"),
        ("authorization-webhook-config-file", "Kubeconfig of a service that is asked by SubjectAccessReviews"),
        ("authorization-webhook-version", "Version of the SubjectAccessReview it gets: v1 or v1beta1 (the default)"),
        ("authorization-webhook-cache-authorized-ttl", "How long its yes holds (default 5m)"),
        ("authorization-webhook-cache-unauthorized-ttl", "How long its no holds (default 30s)"),
        ("enable-admission-plugins", "Steps of admission beside those that are on: AlwaysPullImages, DenyServiceExternalIPs, EventRateLimit, ExtendedResourceToleration"),
        ("disable-admission-plugins", "Steps of admission that are left out, by kube-apiserver's names"),
        ("admission-control-config-file", "File with the configuration of PodSecurity and EventRateLimit (AdmissionConfiguration)"),
        ("feature-gates", "LegacyServiceAccountTokenNoAutoGeneration=false gives each service account a token Secret, as before 1.24"),
        ("encryption-provider-config-automatic-reload", "true reads that file again when it changes, for writes from then on"),
        ("encryption-provider-config", "File that says which resources are encrypted on disk, and how (EncryptionConfiguration); without it Secrets are, with a key made in the data directory"),
    ];

    /// <summary>Null when it was not given.</summary>
    public string? Text(string name) => Values.TryGetValue(name, out var values) ? values[^1] : null;

    public IReadOnlyList<string> Texts(string name) => Values.GetValueOrDefault(name, []);

    /// <exception cref="Commands.CommandException">The value is no whole number of zero or more.</exception>
    public int Number(string name, int whenAbsent) => Text(name) is not { } text ? whenAbsent
        : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number
        : throw new Commands.CommandException($"--{name} {text}: a number is wanted");

    /// <summary>A feature gate: NAME=true or false among the comma-separated values of --feature-gates.</summary>
    public bool Gate(string name, bool whenAbsent) =>
        Texts("feature-gates").SelectMany(v => v.Split(',')).LastOrDefault(v => v.StartsWith(name + "=", StringComparison.Ordinal)) is { } given ? given.EndsWith("=true", StringComparison.Ordinal) : whenAbsent;

    /// <summary>The text of the file that a flag names; null when it was not given.</summary>
    /// <exception cref="Commands.CommandException">The file can't be read.</exception>
    public string? FileText(string name)
    {
        if (Text(name) is not { Length: > 0 } path)
            return null;
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Commands.CommandException($"--{name} {path}: {e.Message}", e);
        }
    }

    /// <summary>The flags again, for the server that "up" starts.</summary>
    public IEnumerable<string> ToArguments() => Values.SelectMany(v => v.Value.SelectMany(value => (string[])["--" + v.Key, value]));
}

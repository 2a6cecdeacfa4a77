using Timonier.Api;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authentication.Oidc;
using Timonier.ApiServer.Authentication.Tokens;
using Timonier.ApiServer.Webhooks;
using Timonier.Client;
using Timonier.Commands;

namespace Timonier.Server;

/// <summary>Where tokens and anonymous requests come from beyond the cluster's own, as the flags say.</summary>
internal static class TokenSources
{
    public const string ClientAuthorityFlag = "client-ca-file";

    /// <exception cref="CommandException">A flag or its file is wrong.</exception>
    public static ClusterAccessOptions Create(AccessFlags flags, TimeProvider time)
    {
        try
        {
            var config = flags.FileText("authentication-config") is { } text ? AuthenticationConfiguration.Parse(text) : new AuthenticationConfiguration([], null, null);
            if (config.Issuers.Count > 0 && flags.Text("oidc-issuer-url") is not null)
                throw new CommandException("--authentication-config and the --oidc- flags exclude each other");
            if (config.Anonymous is not null && flags.Text("anonymous-auth") is not null)
                throw new CommandException("--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file");
            var tokens = new StaticTokens();
            if (flags.FileText("token-auth-file") is { } csv)
                tokens.AddFile(csv);
            var sources = config.Issuers.Concat(Flagged(flags)).Select(i => (ITokenAuthenticator)new OidcTokens(i, time)).ToList();
            if (flags.Text("authentication-token-webhook-config-file") is { } webhook)
                sources.Add(new WebhookTokens(ConfiguredWebhook.Load(webhook), flags.Text("authentication-token-webhook-version") ?? "v1", Duration(flags, "authentication-token-webhook-cache-ttl", TimeSpan.FromMinutes(2)), time));
            return new ClusterAccessOptions { Tokens = tokens, MoreTokens = sources, Authorizers = AuthorizerFlags.Create(flags, time), ClientAuthorities = Authorities(flags, time), Anonymous = config.Anonymous ?? flags.Text("anonymous-auth") != "false", AnonymousPaths = config.AnonymousPaths };
        }
        catch (Exception e) when (e is FormatException or KubeconfigException)
        {
            throw new CommandException($"who may come in: {e.Message}", e);
        }
    }

    private static AuthorityFile? Authorities(AccessFlags flags, TimeProvider time)
    {
        if (flags.Text(ClientAuthorityFlag) is not { Length: > 0 } path)
            return null;
        try
        {
            return new AuthorityFile(path, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new CommandException($"--{ClientAuthorityFlag} {path}: {e.Message}", e);
        }
    }

    private static IEnumerable<JwtIssuer> Flagged(AccessFlags flags)
    {
        if (flags.Text("oidc-issuer-url") is not { } url)
            yield break;
        if (!url.StartsWith("https://", StringComparison.Ordinal))
            throw new CommandException($"--oidc-issuer-url {url}: URL scheme must be https");
        var client = flags.Text("oidc-client-id") ?? throw new CommandException("--oidc-client-id is wanted beside --oidc-issuer-url");
        var claim = flags.Text("oidc-username-claim") ?? "sub";
        // Without a prefix a name could be anybody's; an e-mail address is one only.
        var prefix = flags.Text("oidc-username-prefix") switch { null => claim == "email" ? "" : url + "#", "-" => "", var given => given };
        yield return new JwtIssuer
        {
            Url = url, Audiences = [client], CertificateAuthority = flags.FileText("oidc-ca-file") ?? "",
            Algorithms = flags.Text("oidc-signing-algs")?.Split(',', StringSplitOptions.TrimEntries) ?? [JwtIssuer.DefaultAlgorithm],
            Username = new ClaimMapping(claim, prefix),
            Groups = flags.Text("oidc-groups-claim") is { } groups ? new ClaimMapping(groups, flags.Text("oidc-groups-prefix") ?? "") : null,
            RequiredClaims = flags.Texts("oidc-required-claim").SelectMany(v => v.Split(',')).Select(v => v.Split('=', 2)).ToDictionary(
                v => v[0], v => v.Length == 2 ? v[1] : throw new CommandException($"--oidc-required-claim {v[0]}: KEY=VALUE is wanted")),
        };
    }

    internal static TimeSpan Duration(AccessFlags flags, string name, TimeSpan whenAbsent) =>
        flags.Text(name) is not { } text ? whenAbsent : GoDuration.TryParse(text, out var duration) ? duration : throw new CommandException($"--{name} {text}: a duration such as 2m is wanted");
}

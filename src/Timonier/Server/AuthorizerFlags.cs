using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Webhooks;
using Timonier.ApiServer.Webhooks;
using Timonier.Commands;

namespace Timonier.Server;

/// <summary>Who decides what somebody may do, as the flags say.</summary>
internal static class AuthorizerFlags
{
    public const string Config = "authorization-config";
    private const string Mode = "authorization-mode", WebhookPrefix = "authorization-webhook-", WebhookFile = WebhookPrefix + "config-file";

    /// <exception cref="CommandException">A flag or its file is wrong.</exception>
    /// <exception cref="Client.KubeconfigException">A webhook's file is no kubeconfig.</exception>
    public static IReadOnlyList<ConfiguredAuthorizer> Create(AccessFlags flags, TimeProvider time) =>
        [.. Modes(flags).Select(m => new ConfiguredAuthorizer(m.Type, m.Webhook is { } webhook ? new WebhookAuthorizer(webhook, ConfiguredWebhook.Load(webhook.Kubeconfig).PostAsync, time, new Random()) : null))];

    private static IReadOnlyList<AuthorizationMode> Modes(AccessFlags flags)
    {
        if (flags.FileText(Config) is { } text)
        {
            if (flags.Values.Keys.Any(k => k == Mode || k.StartsWith(WebhookPrefix, StringComparison.Ordinal)))
                throw new CommandException($"--{Config} can not be specified when --{Mode} or --{WebhookPrefix}* flags are defined");
            try
            {
                return AuthorizationConfiguration.Parse(text);
            }
            catch (FormatException e)
            {
                throw new CommandException($"--{Config}: {e.Message}", e);
            }
        }
        var file = flags.Text(WebhookFile);
        var types = flags.Text(Mode)?.Split(',', StringSplitOptions.TrimEntries) ?? [.. AuthorizationConfiguration.Default.Select(m => m.Type)];
        if (types.FirstOrDefault(t => !AuthorizationConfiguration.Types.Contains(t)) is { } unknown)
            throw new CommandException($"authorization-mode \"{unknown}\" is not a valid mode");
        if (types.Distinct().Count() < types.Length)
            throw new CommandException($"authorization-mode {flags.Text(Mode)} has mode specified more than once");
        if (types.Contains("Webhook") != file is not null)
            throw new CommandException(file is null ? "authorization-mode Webhook's authorization config file not passed" : $"cannot specify --{WebhookFile} without mode Webhook");
        return [.. types.Select(t => new AuthorizationMode(t, t == "Webhook" ? Flagged(flags, file!) : null))];
    }

    private static AuthorizationWebhook Flagged(AccessFlags flags, string file) => new()
    {
        Kubeconfig = file,
        Version = flags.Text(WebhookPrefix + "version") switch
        {
            null => "v1beta1",
            ("v1" or "v1beta1") and var version => version,
            var other => throw new CommandException($"unsupported webhook authorizer version \"{other}\", supported versions are \"v1\", \"v1beta1\""),
        },
        AuthorizedTtl = TokenSources.Duration(flags, WebhookPrefix + "cache-authorized-ttl", AuthorizationWebhook.DefaultAuthorizedTtl),
        UnauthorizedTtl = TokenSources.Duration(flags, WebhookPrefix + "cache-unauthorized-ttl", AuthorizationWebhook.DefaultUnauthorizedTtl),
    };
}

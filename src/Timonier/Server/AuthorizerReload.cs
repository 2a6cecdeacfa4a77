using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Webhooks;
using Timonier.Client;
using Timonier.Commands;

namespace Timonier.Server;

/// <summary>Takes a changed --authorization-config into use, as upstream does: looked at once a minute. One that is wrong leaves what was.</summary>
internal sealed class AuthorizerReload(AccessFlags flags, ClusterAuthorizer authorizer, TimeProvider time, ILogger<AuthorizerReload> log)
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly bool _wanted = flags.Text(AuthorizerFlags.Config) is { Length: > 0 };
    private string? _text = flags.FileText(AuthorizerFlags.Config);
    private long _reloads, _failures;

    public async Task RunAsync(CancellationToken cancel)
    {
        while (_wanted)
        {
            await Task.Delay(Period, time, cancel);
            Reload();
        }
    }

    public void Reload()
    {
        try
        {
            var text = flags.FileText(AuthorizerFlags.Config);
            if (text == _text)
                return;
            authorizer.Use(AuthorizerFlags.Create(flags, time));
            _text = text;
            _reloads++;
        }
        catch (Exception e) when (e is CommandException or KubeconfigException)
        {
            _failures++;
            log.LogWarning("the new authorization configuration is not taken: {Reason}", e.Message);
        }
    }

    public void WriteMetrics(StringBuilder text)
    {
        WebhookFigures.Write(text, [.. authorizer.Configured.Select(a => a.Webhook).OfType<WebhookAuthorizer>()]);
        if (_wanted)
            text.Append(CultureInfo.InvariantCulture, $"# TYPE apiserver_authorization_config_controller_automatic_reloads_total counter\napiserver_authorization_config_controller_automatic_reloads_total{{status=\"success\"}} {_reloads}\napiserver_authorization_config_controller_automatic_reloads_total{{status=\"failure\"}} {_failures}\n");
    }
}

using Microsoft.Extensions.Logging;
using Timonier.Api.Schema;
using Timonier.ApiServer.Audit;
using Timonier.ApiServer.Webhooks;
using Timonier.Client;
using Timonier.Commands;

namespace Timonier.Server;

/// <summary>Builds the audit log that the flags ask for.</summary>
internal static class AuditLog
{
    /// <summary>Null when no policy was given, as upstream: without one nothing is recorded.</summary>
    /// <exception cref="CommandException">The policy is wrong.</exception>
    public static Auditor? Create(AccessFlags flags, ApiSchema schema, TimeProvider time, ILoggerFactory loggers)
    {
        if (flags.FileText("audit-policy-file") is not { } text)
            return null;
        var backends = new List<IAuditBackend>();
        if (flags.Text("audit-log-path") is { Length: > 0 } path)
        {
            var file = new AuditFile(path == "-" ? path : Path.GetFullPath(path), flags.Number("audit-log-maxsize", 0) * (1L << 20), flags.Number("audit-log-maxbackup", 0), TimeSpan.FromDays(flags.Number("audit-log-maxage", 0)), time);
            backends.Add(new AuditQueue(file.WriteAsync, time, loggers.CreateLogger<AuditQueue>()));
        }
        if (flags.Text("audit-webhook-config-file") is { } kubeconfig)
            backends.Add(new AuditQueue(PostTo(kubeconfig), time, loggers.CreateLogger<AuditQueue>(), Math.Max(1, flags.Number("audit-webhook-batch-max-size", AuditQueue.DefaultBatchMax)), TokenSources.Duration(flags, "audit-webhook-initial-backoff", TimeSpan.FromSeconds(10))));
        try
        {
            return new Auditor(AuditPolicy.Parse(text), backends, schema, time);
        }
        catch (FormatException e)
        {
            throw new CommandException($"--audit-policy-file: {e.Message}", e);
        }
    }

    private static Func<IReadOnlyList<byte[]>, CancellationToken, Task> PostTo(string kubeconfig)
    {
        try
        {
            var webhook = ConfiguredWebhook.Load(kubeconfig);
            return (lines, cancel) => webhook.PostAsync(AuditQueue.ToList(lines), cancel);
        }
        catch (KubeconfigException e)
        {
            throw new CommandException($"--audit-webhook-config-file: {e.Message}", e);
        }
    }
}

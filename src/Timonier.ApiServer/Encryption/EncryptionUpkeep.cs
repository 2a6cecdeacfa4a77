using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Timonier.Api.Schema;
using Timonier.ApiServer.Encryption.Kms;
using Timonier.Store;

namespace Timonier.ApiServer.Encryption;

/// <summary>Asks plugins for their state and, where wanted, reads the configuration's file again. Does nothing where there is neither.</summary>
/// <param name="path">The file to watch; null: it is read at the start only.</param>
public sealed partial class EncryptionUpkeep(ValueEncryption encryption, string? path, ApiSchema schema, TimeProvider time, ILogger<EncryptionUpkeep> log)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10), FilePeriod = TimeSpan.FromMinutes(1);

    private string? _text = path is null ? null : Read(path);
    private long _reloads, _failures;
    private DateTimeOffset _lastReload;

    /// <summary>The name and state of upstream's health check for all plugins; true where there is none.</summary>
    public const string CheckName = "kms-providers";

    public bool HasPlugins => encryption.Plugins.Count > 0;

    public bool Healthy => encryption.Plugins.All(p => p.Fault.Length == 0);

    public async Task RunAsync(CancellationToken cancel)
    {
        var fileDue = time.GetUtcNow() + FilePeriod;
        while (path is not null || HasPlugins)
        {
            foreach (var plugin in encryption.Plugins)
            {
                var before = plugin.Fault;
                await plugin.PollAsync(cancel);
                if (plugin.Fault.Length > 0 && plugin.Fault != before)
                    PluginFailed(plugin.Fault);
            }
            if (path is not null && time.GetUtcNow() >= fileDue)
            {
                await ReloadAsync(cancel);
                fileDue = time.GetUtcNow() + FilePeriod;
            }
            await Task.Delay(Period, time, cancel);
        }
    }

    /// <summary>Takes the file's configuration, if it is another one, and one that can write.</summary>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        var text = Read(path!);
        if (text is null || text == _text)
            return;
        try
        {
            var next = EncryptionConfiguration.Parse(text, schema, time);
            foreach (var plugin in next.Plugins)
            {
                await plugin.PollAsync(cancel);
                if (plugin.Fault.Length > 0)
                    throw new KmsException(plugin.Fault);
            }
            encryption.Replace(next);
            _text = text;
            _lastReload = time.GetUtcNow();
            _reloads++;
        }
        catch (Exception e) when (e is FormatException or StoreException)
        {
            _failures++;
            ReloadFailed(e.Message);
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Fault}")]
    private partial void PluginFailed(string fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the new encryption configuration is not taken: {Reason}")]
    private partial void ReloadFailed(string reason);

    /// <summary>In Prometheus' text form, with upstream's names.</summary>
    public void WriteMetrics(StringBuilder text)
    {
        text.Append("# TYPE apiserver_storage_transformation_operations_total counter\n");
        foreach (var ((type, prefix, ok), count) in encryption.Operations.OrderBy(o => o.Key))
            text.Append(CultureInfo.InvariantCulture, $"apiserver_storage_transformation_operations_total{{status=\"{(ok ? "OK" : "Unknown")}\",transformation_type=\"{type}\",transformer_prefix=\"{prefix}\"}} {count}\n");
        if (path is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE apiserver_encryption_config_controller_automatic_reloads_total counter\napiserver_encryption_config_controller_automatic_reloads_total{{status=\"success\"}} {_reloads}\napiserver_encryption_config_controller_automatic_reloads_total{{status=\"failure\"}} {_failures}\n");
            text.Append(CultureInfo.InvariantCulture, $"# TYPE apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds gauge\napiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds{{status=\"success\"}} {(_reloads > 0 ? _lastReload.ToUnixTimeSeconds() : 0)}\n");
        }
        var plugins = encryption.Plugins;
        if (plugins.Count > 0)
            WritePlugins(text, plugins);
    }

    private static void WritePlugins(StringBuilder text, IReadOnlyList<KmsKey> plugins)
    {
        text.Append("# TYPE apiserver_envelope_encryption_key_id_hash_total counter\n");
        foreach (var (plugin, use) in plugins.SelectMany(p => p.Uses.Select(u => (p, u))))
            text.Append(CultureInfo.InvariantCulture, $"apiserver_envelope_encryption_key_id_hash_total{{key_id_hash=\"{use.KeyHash}\",provider_name=\"{plugin.Name}\",transformation_type=\"{use.Type}\"}} {use.Count}\n");
        text.Append("# TYPE apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds gauge\n");
        foreach (var (plugin, use) in plugins.SelectMany(p => p.Uses.Select(u => (p, u))))
            text.Append(CultureInfo.InvariantCulture, $"apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds{{key_id_hash=\"{use.KeyHash}\",provider_name=\"{plugin.Name}\",transformation_type=\"{use.Type}\"}} {use.LastSeconds}\n");
        text.Append("# TYPE apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds gauge\n");
        foreach (var plugin in plugins)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds{{key_id_hash=\"{plugin.KeyHash}\",provider_name=\"{plugin.Name}\"}} {plugin.StatusAt.ToUnixTimeSeconds()}\n");
        text.Append("# TYPE apiserver_envelope_encryption_dek_source_cache_size gauge\n");
        foreach (var plugin in plugins)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_envelope_encryption_dek_source_cache_size{{provider_name=\"{plugin.Name}\"}} {plugin.SeedsKnown}\n");
        text.Append("# TYPE apiserver_envelope_encryption_kms_operations_latency_seconds histogram\n");
        foreach (var plugin in plugins)
            plugin.WriteCalls(text);
    }
}

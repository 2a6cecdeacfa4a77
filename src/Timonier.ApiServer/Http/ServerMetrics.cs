using System.Diagnostics;
using System.Globalization;
using System.Text;
using Timonier.ApiServer.Registry;

namespace Timonier.ApiServer.Http;

/// <summary>What is not counted but looked at when somebody asks: the process, and what is stored.</summary>
internal static class ServerMetrics
{
    public static void WriteProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Gauge(text, "process_cpu_seconds_total", "counter", "CPU time used, in seconds.", process.TotalProcessorTime.TotalSeconds);
        Gauge(text, "process_resident_memory_bytes", "gauge", "Memory in RAM.", process.WorkingSet64);
        Gauge(text, "process_virtual_memory_bytes", "gauge", "Address space.", process.VirtualMemorySize64);
        Gauge(text, "process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0);
        Gauge(text, "process_open_fds", "gauge", "Open file descriptors.", Directory.GetFiles("/proc/self/fd").Length);
        var limit = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (limit is [_, _, _, var max, ..] && double.TryParse(max, CultureInfo.InvariantCulture, out var files))
            Gauge(text, "process_max_fds", "gauge", "File descriptors that may be open.", files);
        text.Append("# HELP kubernetes_build_info The version that is served.\n# TYPE kubernetes_build_info gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"kubernetes_build_info{{git_version=\"{ServerPaths.GitVersion}\",major=\"1\",minor=\"36\",platform=\"linux/amd64\"}} 1\n");
    }

    public static void WriteStored(StringBuilder text, ResourceTable resources)
    {
        text.Append("# HELP apiserver_storage_objects Objects stored, by resource.\n# TYPE apiserver_storage_objects gauge\n");
        foreach (var store in resources.Stores)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_storage_objects{{resource=\"{store.Schema.GroupResource}\"}} {store.Store.Current.CountOf(store.Range(""))}\n");
        text.Append("# HELP apiserver_resource_objects Objects stored, by group and resource.\n# TYPE apiserver_resource_objects gauge\n");
        foreach (var store in resources.Stores)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_resource_objects{{group=\"{store.Schema.GroupVersion.Group}\",resource=\"{store.Schema.Plural}\"}} {store.Store.Current.CountOf(store.Range(""))}\n");
        text.Append("# HELP apiserver_watch_events_total Events sent to watchers.\n# TYPE apiserver_watch_events_total counter\n");
        foreach (var store in resources.Stores.Where(s => s.EventsSent > 0))
            text.Append(CultureInfo.InvariantCulture, $"apiserver_watch_events_total{{group=\"{store.Schema.GroupVersion.Group}\",resource=\"{store.Schema.Plural}\",version=\"{store.Schema.GroupVersion.Version}\"}} {store.EventsSent}\n");
    }

    private static void Gauge(StringBuilder text, string name, string type, string help, double value) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value}\n");
}

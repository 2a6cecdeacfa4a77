using System.Text.RegularExpressions;

namespace Timonier.Server.Api.Tests;

/// <summary>All of /metrics of the whole server, as Prometheus reads it.</summary>
public sealed class MetricsTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    /// <summary>Upstream's names and types (instrumentation/testdata/documentation-list.yaml), of what our parts count.</summary>
    private static readonly Dictionary<string, string> Upstreams = new()
    {
        ["apiserver_request_total"] = "counter", ["apiserver_request_duration_seconds"] = "histogram", ["apiserver_current_inflight_requests"] = "gauge", ["apiserver_longrunning_requests"] = "gauge",
        ["apiserver_storage_objects"] = "gauge", ["apiserver_resource_objects"] = "gauge", ["apiserver_watch_events_total"] = "counter", ["etcd_request_duration_seconds"] = "histogram", ["etcd_request_errors_total"] = "counter",
        ["apiserver_flowcontrol_dispatched_requests_total"] = "counter", ["apiserver_flowcontrol_request_wait_duration_seconds"] = "histogram", ["apiserver_flowcontrol_current_inqueue_requests"] = "gauge",
        ["workqueue_depth"] = "gauge", ["workqueue_adds_total"] = "counter", ["workqueue_retries_total"] = "counter", ["workqueue_queue_duration_seconds"] = "histogram", ["workqueue_work_duration_seconds"] = "histogram",
        ["workqueue_unfinished_work_seconds"] = "gauge", ["workqueue_longest_running_processor_seconds"] = "gauge", ["rest_client_requests_total"] = "counter", ["scheduler_schedule_attempts_total"] = "counter", ["scheduler_pending_pods"] = "gauge",
        ["process_cpu_seconds_total"] = "counter", ["process_resident_memory_bytes"] = "gauge", ["process_virtual_memory_bytes"] = "gauge", ["process_start_time_seconds"] = "gauge", ["process_open_fds"] = "gauge", ["process_max_fds"] = "gauge",
        ["kubernetes_build_info"] = "gauge",
    };

    [Fact]
    public async Task Metrics_OfABusyServer_AreReadByPrometheus()
    {
        await RunAsync("create", "configmap", "m");
        var before = PrometheusText.Parse(await MetricsAsync());
        // What clients write themselves: names that no label takes as they are, codes and verbs of all kinds.
        foreach (var path in (string[])["""/api/v1/namespaces/a"b\c/pods/d\n""", "/apis/no-such/v1/things", "/api/v1/nodes/none/proxy/x", "/nothing", "/api/v1/configmaps?watch=1&timeoutSeconds=1", "/openapi/v2"])
            await fixture.Server.KubectlAsync("get", "--raw", path);
        await RunAsync("delete", "configmap", "m");
        await RunAsync("create", "deployment", "d", "--image=i");
        const string Worked = "workqueue_work_duration_seconds_count{name=\"deployment\"}", Waited = "workqueue_queue_duration_seconds_count{name=\"deployment\"}";
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var after = PrometheusText.Parse(await MetricsAsync());
        while (after.Samples[Worked] == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, limit.Token);
            after = PrometheusText.Parse(await MetricsAsync());
        }
        Assert.Equal([], Upstreams.Where(u => after.Types.GetValueOrDefault(u.Key) != u.Value));
        foreach (var (series, value) in before.Samples)
        {
            if (after.Types.GetValueOrDefault(Family().Replace(series, "")) is "counter" or "histogram" || after.Types.GetValueOrDefault(Name().Match(series).Value) is "counter")
                Assert.True(after.Samples.TryGetValue(series, out var now) && now >= value, $"{series} was {value}");
        }
        Assert.Equal(1, after.Samples["etcd_request_duration_seconds_count{operation=\"delete\",type=\"configmaps\"}"]);
        Assert.InRange(after.Samples["etcd_request_duration_seconds_count{operation=\"create\",type=\"configmaps\"}"], 1, 1000);
        Assert.InRange(after.Samples[Waited], 1, 1000);
    }

    /// <summary>The reader is checked too.</summary>
    [Theory]
    [InlineData("# HELP a b\n# TYPE a counter\na 1\n", null)]
    [InlineData("# HELP a b\n# TYPE a counter\na{b=\"\\\"\\\\\\n\"} +Inf\n", null)]
    [InlineData("# HELP a b\n# TYPE a counter\na 1", "the last line has no end")]
    [InlineData("a 1\n", "TYPE and HELP")]
    [InlineData("# HELP a b\n# TYPE a counter\na 1\na 2\n", "the series twice")]
    [InlineData("# HELP a b\n# TYPE a counter\na -1\n", "counts below zero")]
    [InlineData("# HELP a b\n# TYPE a counter\n# TYPE a gauge\n", "a second TYPE")]
    [InlineData("# HELP a b\n# TYPE a counter\n# HELP c d\n# TYPE c gauge\nc 1\na 1\n", "its family was finished")]
    [InlineData("# HELP a b\n# TYPE a counter\na{b=\"\"\"} 1\n", "neither a comment nor a sample")]
    [InlineData("# HELP a b\n# TYPE a counter\na{b=\"c\",b=\"d\"} 1\n", "a label twice")]
    [InlineData("# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n", "do not ascend")]
    [InlineData("# HELP a b\n# TYPE a histogram\na_bucket{c=\"d\",le=\"1\"} 1\na_bucket{c=\"d\",le=\"+Inf\"} 1\na_sum{c=\"d\"} 1\na_count{c=\"d\"} 2\n", "is not the count")]
    [InlineData("# HELP a b\n# TYPE a histogram\na_bucket{c=\"d\",le=\"1\"} 1\na_bucket{c=\"d\",le=\"+Inf\"} 2\na_sum{c=\"d\"} 1\na_count{c=\"d\"} 2\n", null)]
    public void Text_ThatIsWrong_IsNotRead(string text, string? fault)
    {
        if (fault is null)
            Assert.NotEmpty(PrometheusText.Parse(text).Samples);
        else
            Assert.Contains(fault, Assert.Throws<FormatException>(() => PrometheusText.Parse(text)).Message, StringComparison.Ordinal);
    }

    private static Regex Family() => new("(_bucket|_sum|_count)?(\\{.*)?$");

    private static Regex Name() => new("^[^{]+");

    private async Task<string> MetricsAsync() => (await fixture.Server.KubectlAsync("get", "--raw", "/metrics")).Output;

    private async Task RunAsync(params string[] arguments)
    {
        var result = await fixture.Server.KubectlAsync(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}

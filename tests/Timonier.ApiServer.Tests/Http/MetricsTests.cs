namespace Timonier.ApiServer.Tests.Http;

public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_TellRequestsObjectsAndProcess_InUpstreamsNames()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"a"}}""");
        await server.OkAsync("GET", "/api/v1/configmaps");
        using var watch = await server.Http.GetAsync("/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0", HttpCompletionOption.ResponseHeadersRead);
        var text = await server.Http.GetStringAsync("/metrics");
        foreach (var line in (string[])
        [
            """apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="configmaps",scope="namespace",subresource="",verb="POST",version="v1"} 1""",
            """apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="configmaps",scope="cluster",subresource="",verb="LIST",version="v1"} 1""",
            """apiserver_longrunning_requests{component="apiserver",dry_run="",group="",resource="configmaps",scope="namespace",subresource="",verb="WATCH",version="v1"} 1""",
            """apiserver_current_inflight_requests{request_kind="readOnly"} 1""",
            """apiserver_current_inflight_requests{request_kind="mutating"} 0""",
            """apiserver_storage_objects{resource="configmaps"} 1""",
            """apiserver_resource_objects{group="apps",resource="deployments"} 0""",
            """apiserver_watch_events_total{group="",resource="configmaps",version="v1"} 1""",
            """apiserver_flowcontrol_current_executing_requests{flow_schema="exempt",priority_level="exempt"} 1""",
        ])
            Assert.Contains(line + "\n", text, StringComparison.Ordinal);
        foreach (var name in (string[])["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds", "process_max_fds"])
            Assert.Matches($"(?m)^{name} [0-9.E+]+$", text);
    }

    /// <summary>Prometheus refuses a text where a name has two types, or samples without one.</summary>
    [Fact]
    public async Task EveryLine_IsASampleOfADeclaredFamily()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("GET", "/api/v1/configmaps");
        var declared = new HashSet<string>();
        foreach (var line in (await server.Http.GetStringAsync("/metrics")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
                Assert.True(declared.Add(line.Split(' ')[2]), line);
            if (line[0] == '#')
                continue;
            var name = line[..line.AsSpan().IndexOfAny(' ', '{')];
            Assert.True(declared.Contains(name) || new[] { "_bucket", "_sum", "_count" }.Any(s => name.EndsWith(s, StringComparison.Ordinal) && declared.Contains(name[..^s.Length])), line);
            Assert.True(double.TryParse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture, out _), line);
        }
    }

    [Theory]
    [InlineData("/readyz/etcd", 200, "ok")]
    [InlineData("/readyz?verbose&exclude=none-such", 200, "warn: some health checks cannot be excluded: no matches for \"none-such\"")]
    [InlineData("/livez?verbose", 200, "[+]ping ok\n")]
    [InlineData("/livez?verbose", 200, "livez check passed\n")]
    [InlineData("/healthz?verbose&exclude=etcd", 200, "[+]etcd excluded: ok\n")]
    [InlineData("/readyz/none-such", 404, "")]
    public async Task Health_AnswersAsUpstream(string path, int code, string text)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.Http.GetAsync(path);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Contains(text, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}

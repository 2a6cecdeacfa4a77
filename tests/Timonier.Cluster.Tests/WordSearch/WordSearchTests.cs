using System.Diagnostics;

namespace Timonier.Cluster.Tests.WordSearch;

/// <summary>What the example application and the cluster promise each other, on real RabbitMQ and PostgreSQL.</summary>
public class WordSearchTests(WordSearchFixture cluster) : IClassFixture<WordSearchFixture>
{
    private const int Jobs = 20;

    [Fact]
    public async Task StoredText_IsSearched()
    {
        var result = (await cluster.ResultsAsync([await cluster.SubmitAsync("""{"textName":"hamlet","words":["sleep"]}""")]))[0];
        Assert.Equal("""{"word":"sleep","count":4}""", $$"""{"word":"{{result["words"]![0]!["word"]}}","count":{{result["words"]![0]!["count"]}}}""");
    }

    /// <summary>Each search sleeps a second, so one worker can't be faster than twenty seconds; ten take a tenth of what one takes, on an idle machine.</summary>
    [Fact]
    public async Task TwentyJobs_TakeTwentySecondsWithOneWorker_AndAFractionWithTen()
    {
        var one = await TimeAsync(1);
        var ten = await TimeAsync(10);
        Assert.InRange(one.TotalSeconds, 19.5, 90);
        Assert.InRange(ten.TotalSeconds, 1.9, one.TotalSeconds / 2);
    }

    private async Task<TimeSpan> TimeAsync(int workers)
    {
        await cluster.SetWorkersAsync(workers);
        var started = Stopwatch.GetTimestamp();
        var results = await cluster.ResultsAsync(await cluster.SubmitAsync(Jobs));
        var took = Stopwatch.GetElapsedTime(started);
        Assert.Equal(workers, results.Select(r => r["worker"]!.GetValue<string>()).Distinct().Count());
        return took;
    }

    [Fact]
    public async Task KilledWorker_ItsJobIsDoneByAnother()
    {
        await cluster.SetWorkersAsync(1);
        var killed = (await cluster.WorkersAsync()).Single();
        var jobs = await cluster.SubmitAsync(5);
        // Since the first is done, the worker is in the middle of another.
        await ClusterFixture.WaitAsync(async () => (await Task.WhenAll(jobs.Select(cluster.ResultAsync))).Any(r => r is not null), "the first job is done");
        await cluster.KillAsync(killed);
        var results = await cluster.ResultsAsync(jobs);
        var ofKilled = results.Count(r => r["worker"]!.GetValue<string>() == killed);
        Assert.InRange(ofKilled, 1, jobs.Count - 1);
    }

    [Fact]
    public async Task RollingUpdate_UnderConstantRequests_LosesNone()
    {
        await cluster.SetWorkersAsync(4);
        var (accepted, versions) = (new List<string>(), new List<string>());
        using var stop = new CancellationTokenSource();
        var requests = RequestAsync();
        await cluster.ApplyAsync("dev-v2");
        await cluster.RolledOutAsync("deployment/api");
        await cluster.RolledOutAsync("deployment/worker");
        await ClusterFixture.WaitAsync(async () => !(await cluster.FieldAsync("pods", ".items[*].spec.containers[*].image", WordSearchFixture.Namespace)).Contains("api:1", StringComparison.Ordinal), "the last pod of version 1 is gone");
        await stop.CancelAsync();
        await requests; // None was refused, or this throws.
        Assert.Equal(["1", "2"], versions.Distinct());
        Assert.Equal("2", versions[^1]);
        Assert.InRange(accepted.Count, 10, int.MaxValue);
        Assert.Equal("2", (await cluster.ResultsAsync(accepted))[^1]["workerVersion"]!.GetValue<string>());

        async Task RequestAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                accepted.Add(await cluster.SubmitAsync());
                for (var i = 0; i < 5; i++)
                {
                    versions.Add(await cluster.VersionAsync());
                    await Task.Delay(50);
                }
            }
        }
    }

    [Theory]
    [InlineData("rabbitmq")]
    [InlineData("postgresql")]
    [InlineData("api")]
    public async Task KilledInTheMiddle_NoAcceptedJobIsLost(string app)
    {
        await cluster.SetWorkersAsync(4);
        var accepted = new List<string>(await cluster.SubmitAsync(8));
        var pods = await cluster.InNamespaceAsync("get", "pods", "-l", $"app={app}", "-o", "jsonpath={.items[*].metadata.name}");
        foreach (var pod in pods.Split(' '))
            await cluster.KillAsync(pod);
        for (var i = 0; i < 8; i++)
        {
            try
            {
                accepted.Add(await cluster.SubmitAsync());
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                await Task.Delay(500); // Not accepted: the client knows, and may come again.
            }
        }
        Assert.Equal(accepted.Count, (await cluster.ResultsAsync(accepted)).Count);
        await cluster.RolledOutAsync(app == "api" ? "deployment/api" : $"statefulset/{app}");
    }

    [Fact]
    public async Task Budgets_HoldTheOnlyDatabase_AndTheAutoscalerReadsItsWorkers()
    {
        Assert.Equal("0", await cluster.FieldAsync("pdb/postgresql", ".status.disruptionsAllowed", WordSearchFixture.Namespace));
        var eviction = """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"postgresql-0","namespace":"word-search"}}""";
        var refused = await cluster.Server.KubectlAsync(["create", "--raw", "/api/v1/namespaces/word-search/pods/postgresql-0/eviction", "-f", "-"], eviction);
        Assert.Contains("Cannot evict pod as it would violate the pod's disruption budget.", refused.Error, StringComparison.Ordinal);
        await ClusterFixture.WaitAsync(async () => await cluster.FieldAsync("hpa/worker", ".status.currentMetrics[0].resource.current.averageValue", WordSearchFixture.Namespace) != "", "the autoscaler knows the workers' CPU", 90);
        Assert.Equal("True", await cluster.FieldAsync("hpa/worker", ".status.conditions[?(@.type==\"ScalingActive\")].status", WordSearchFixture.Namespace));
    }
}

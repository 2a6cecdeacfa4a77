using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests.WordSearch;

/// <summary>A cluster with the example application on it, as quickstart.sh brings it there. Its images come from the cache of earlier runs, or are built.</summary>
public sealed class WordSearchFixture : ClusterFixture, IDisposable
{
    public const string Namespace = "word-search";
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(12);

    // Each request on a connection of its own: it meets whatever pod the Service chooses at that moment.
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(10), DefaultRequestHeaders = { ConnectionClose = true } };

    private static string Example => Path.Combine(Repository.Root, "examples/word-search");

    protected override async Task PrepareAsync()
    {
        var built = await Run.ProgramAsync(Path.Combine(Example, "build-images.sh"), [], limit: BuildLimit);
        Assert.True(built.ExitCode == 0, built.All);
        // The script's last line names the archive.
        var archive = built.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ')[1].TrimEnd(':');
        var imported = await Server.TimonierAsync("image", "import", archive);
        Assert.True(imported.ExitCode == 0, imported.All);
        await ApplyAsync("dev");
        string[] workloads = ["statefulset/postgresql", "statefulset/rabbitmq", "deployment/api", "deployment/worker"];
        await Task.WhenAll(workloads.Select(RolledOutAsync));
        // By its ClusterIP, which no other cluster of this machine has; the node port is one for all.
        _client.BaseAddress = new Uri($"http://{await FieldAsync("service/api", ".spec.clusterIP", Namespace)}");
    }

    public void Dispose() => _client.Dispose();

    /// <summary>kubectl apply -k.</summary>
    public new Task ApplyAsync(string overlay) => KubectlAsync("apply", "-k", Path.Combine(Example, "overlays", overlay));

    public Task<string> InNamespaceAsync(params string[] arguments) => KubectlAsync(["-n", Namespace, .. arguments]);

    public Task RolledOutAsync(string workload) => InNamespaceAsync("rollout", "status", workload, "--timeout=170s");

    /// <summary>As many workers, all of them waiting for jobs. The autoscaler is bound to the number: else it would bring back what it wanted in the last five minutes.</summary>
    public async Task SetWorkersAsync(int count)
    {
        await InNamespaceAsync("patch", "hpa", "worker", "-p", $$$"""{"spec": {"minReplicas": {{{count}}}, "maxReplicas": {{{count}}}}}""");
        await InNamespaceAsync("scale", "deployment/worker", $"--replicas={count}");
        await WaitAsync(async () =>
        {
            var pods = (await WorkersAsync()).ToList();
            return pods.Count == count && (await Task.WhenAll(pods.Select(TakesJobsAsync))).All(takes => takes);
        }, $"{count} workers take jobs", 240);
    }

    /// <summary>The names of the workers' pods, those on their way out too.</summary>
    public async Task<IEnumerable<string>> WorkersAsync() =>
        (await InNamespaceAsync("get", "pods", "-l", "app=worker", "-o", "name")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(n => n["pod/".Length..]);

    private async Task<bool> TakesJobsAsync(string pod) =>
        (await Server.KubectlAsync("-n", Namespace, "logs", pod)).Output.Contains("takes jobs", StringComparison.Ordinal);

    public Task KillAsync(string pod) => InNamespaceAsync("delete", "pod", pod, "--force", "--grace-period=0");

    /// <returns>The job's id. The API has promised to do it.</returns>
    /// <exception cref="HttpRequestException">It was not accepted.</exception>
    public async Task<string> SubmitAsync(string request = """{"text":"to be or not to be","words":["be"]}""")
    {
        using var response = await _client.PostAsync("/jobs", new StringContent(request, System.Text.Encoding.UTF8, "application/json"));
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw new HttpRequestException($"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}", null, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<string>();
    }

    /// <summary>As many jobs. On a busy machine the database may take longer than the API waits: then it says 503, and a client comes again.</summary>
    public async Task<IReadOnlyList<string>> SubmitAsync(int count)
    {
        const int refusalsMax = 20;
        var (ids, refusals) = (new List<string>(), 0);
        while (ids.Count < count)
        {
            try
            {
                ids.Add(await SubmitAsync());
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.ServiceUnavailable && ++refusals <= refusalsMax)
            {
                await Task.Delay(100);
            }
        }
        return ids;
    }

    public async Task<string> VersionAsync() => (await _client.GetFromJsonAsync<JsonNode>("/version"))!["version"]!.GetValue<string>();

    /// <summary>Null while the job is under way, or the API does not answer.</summary>
    public async Task<JsonNode?> ResultAsync(string id)
    {
        try
        {
            var job = (await _client.GetFromJsonAsync<JsonNode>($"/jobs/{id}"))!;
            var status = job["status"]!.GetValue<string>();
            Assert.NotEqual("failed", status);
            return status == "done" ? job["result"] : null;
        }
        catch (Exception e) when (e is HttpRequestException { StatusCode: not HttpStatusCode.NotFound } or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>The results of all, in the order of the ids. Fails when one is not done within two minutes.</summary>
    public async Task<IReadOnlyList<JsonNode>> ResultsAsync(IEnumerable<string> ids)
    {
        var results = new List<JsonNode>();
        foreach (var id in ids)
        {
            JsonNode? result = null;
            await WaitAsync(async () => (result = await ResultAsync(id)) is not null, $"job {id} is done", 120);
            results.Add(result!);
        }
        return results;
    }
}

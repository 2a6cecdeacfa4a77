using System.Globalization;
using System.Net.Http.Headers;
using Timonier.Api.Json;
using Timonier.Faults.Tests.Traffic;
using Timonier.Testing.Processes;

namespace Timonier.Faults.Tests.Crash;

/// <summary>
/// The whole server on a disk of its own that fills: data, audit log and log. Only root may mount one; without that the store's own tests say the same of the store with fault points.
/// </summary>
public sealed class FullDiskTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const int DiskBytes = 96 << 20, LeftBytes = 6 << 20, ValueBytes = 100_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120), Poll = TimeSpan.FromMilliseconds(100);

    private string _directory = "";
    private bool _mounted;

    [Fact]
    public async Task DiskIsFull_WritesAreRefusedReadsAndWatchesGoOnAndSpaceHealsIt()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        try
        {
            await using var server = await TimonierServer.StartAsync(PrepareAsync);
            try
            {
                if (_mounted)
                    await FillAndHealAsync(server);
            }
            finally
            {
                await server.KillAsync();
                await UnmountAsync();
            }
        }
        finally
        {
            await UnmountAsync();
        }
    }

    private async Task<string[]> PrepareAsync(string directory)
    {
        _directory = directory;
        // Root of a container may not have the right.
        _mounted = (await Run.ProgramAsync("mount", ["-t", "tmpfs", "-o", $"size={DiskBytes}", "tmpfs", directory])).ExitCode == 0;
        var policy = Path.Combine(directory, "policy.yaml");
        await File.WriteAllTextAsync(policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, omitStages: [RequestReceived]}]\n");
        return ["--no-node", $"--audit-policy-file={policy}", $"--audit-log-path={Path.Combine(directory, "audit.log")}"];
    }

    private async Task UnmountAsync()
    {
        if (_mounted)
            Assert.Equal(0, (await Run.ProgramAsync("umount", ["--lazy", _directory])).ExitCode);
        _mounted = false;
    }

    private static async Task FillAndHealAsync(TimonierServer server)
    {
        var (ballast, audit, process) = (Path.Combine(server.DataDirectory, "ballast"), Path.Combine(server.DataDirectory, "audit.log"), server.ProcessId);
        using var http = AdminClient.Create(server, server.Port);
        using var limit = new CancellationTokenSource(Limit);
        var free = new DriveInfo(server.DataDirectory).AvailableFreeSpace;
        await File.WriteAllBytesAsync(ballast, new byte[free - LeftBytes], limit.Token);
        using var watch = new StreamReader(await http.GetStreamAsync($"{ConfigMaps}?watch=1", limit.Token));

        // Until it is full: then writes are refused, by a Status that tells why, and that a client may ask again.
        var written = new HashSet<string>();
        var (code, answer, retryAfter) = (201, new JsonMap(), default(TimeSpan?));
        for (var i = 0; code == 201; i++)
        {
            (code, answer, retryAfter) = await CreateAsync(http, $"f{i}");
            if (code == 201)
                written.Add($"f{i}");
        }
        Assert.Equal((507, "Status", "Failure", TimeSpan.FromSeconds(1)), (code, answer.GetString("kind"), answer.GetString("status"), retryAfter));
        Assert.StartsWith("etcdserver: mvcc: database space exceeded", answer.GetString("message"), StringComparison.Ordinal);
        Assert.InRange(written.Count, 5, 200);

        // To the last byte: now neither of the logs can be written either.
        await FillAsync(ballast + "2");
        for (var i = 0; i < 20; i++)
            Assert.NotEqual(201, (await CreateAsync(http, $"refused{i}")).Code);
        Assert.Equal(200, (int)(await http.GetAsync($"{ConfigMaps}/f0", limit.Token)).StatusCode);
        Assert.Equal(written, await ListAsync(http));
        await SeeAsync(watch, [.. written], limit.Token);
        using (var another = new StreamReader(await http.GetStreamAsync($"{ConfigMaps}?watch=1", limit.Token)))
            await SeeAsync(another, [.. written], limit.Token);
        Assert.Contains("[-]storage-space failed", await (await http.GetAsync("/readyz", limit.Token)).Content.ReadAsStringAsync(limit.Token), StringComparison.Ordinal);
        Assert.Equal(200, (int)(await http.GetAsync("/livez", limit.Token)).StatusCode);

        // Space is made: the same process takes writes again, says so, and records them.
        File.Delete(ballast);
        File.Delete(ballast + "2");
        while ((await CreateAsync(http, "healed")).Code != 201)
            await Task.Delay(Poll, TimeProvider.System, limit.Token);
        written.Add("healed");
        await SeeAsync(watch, ["healed"], limit.Token);
        Assert.Equal((200, process), ((int)(await http.GetAsync("/readyz", limit.Token)).StatusCode, server.ProcessId));
        while (!(await ReadSharedAsync(audit)).Contains("configmaps/healed\"", StringComparison.Ordinal) && !(await ReadSharedAsync(audit)).Contains("\"name\":\"healed\"", StringComparison.Ordinal))
        {
            Assert.Equal(201, (await CreateAsync(http, string.Create(CultureInfo.InvariantCulture, $"h{written.Count}"))).Code);
            written.Add(string.Create(CultureInfo.InvariantCulture, $"h{written.Count}"));
            await Task.Delay(Poll, TimeProvider.System, limit.Token);
        }

        // What was acknowledged is on the disk, and nothing that was refused.
        await server.KillAsync();
        await server.LaunchAsync();
        using var again = AdminClient.Create(server, server.Port);
        Assert.Equal(written, await ListAsync(again));
    }

    private static async Task FillAsync(string file)
    {
        await using var stream = File.Create(file, bufferSize: 0);
        for (var bytes = new byte[64 << 10]; bytes.Length > 0;)
        {
            try
            {
                await stream.WriteAsync(bytes);
            }
            catch (IOException)
            {
                bytes = new byte[bytes.Length / 2];
            }
        }
    }

    private static async Task<(int Code, JsonMap Answer, TimeSpan? RetryAfter)> CreateAsync(HttpClient http, string name)
    {
        var json = JsonEncoder.Encode(new JsonMap { ["metadata"] = new JsonMap { ["name"] = name }, ["data"] = new JsonMap { ["v"] = new string('x', ValueBytes) } });
        using var body = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await http.PostAsync(ConfigMaps, body);
        return ((int)response.StatusCode, JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync()), response.Headers.RetryAfter?.Delta);
    }

    private static async Task<HashSet<string>> ListAsync(HttpClient http)
    {
        var list = JsonParser.ParseMap(await http.GetByteArrayAsync(ConfigMaps));
        return [.. list.GetList("items")!.Cast<JsonMap>().Select(one => (string)one.GetPath("metadata", "name")!).Where(name => name is not "kube-root-ca.crt")];
    }

    /// <summary>Reads a watch until it has told all of these.</summary>
    private static async Task SeeAsync(StreamReader watch, HashSet<string> names, CancellationToken cancel)
    {
        while (names.Count > 0)
            names.Remove((string)JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes((await watch.ReadLineAsync(cancel))!)).GetPath("object", "metadata", "name")!);
    }

    private static async Task<string> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return await reader.ReadToEndAsync();
    }
}

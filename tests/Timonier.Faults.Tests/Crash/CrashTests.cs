using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Timonier.Faults.Tests.Traffic;
using Timonier.Testing.Histories;
using Timonier.Testing.Processes;
using Xunit.Abstractions;

namespace Timonier.Faults.Tests.Crash;

/// <summary>
/// Kills the whole server with SIGKILL at random moments, its start included, while clients write, read and watch through HTTPS; cuts their connections
/// too. Each start draws whether what is written from then on is encrypted. What they were told must hold. TIMONIER_CRASH_ROUNDS and TIMONIER_CRASH_SEED (tools/crash-test.sh) run more, or again.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    /// <summary>Kills in one history; then it is checked and a new one begins in a namespace of its own.</summary>
    private const int RoundsOfHistory = 15;

    private static readonly int? Rounds = Setting("TIMONIER_CRASH_ROUNDS");
    private static readonly int Seed = Setting("TIMONIER_CRASH_SEED") ?? 20261121;

    /// <summary>Without a number of rounds: as many as fit.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(45);

    [Fact]
    public async Task KilledAtRandomMoments_EveryPromiseIsKept()
    {
        output.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        await using var server = await TimonierServer.StartAsync(directory => PrepareAsync(directory, random));
        await using var proxy = new CuttingProxy(server.Port);
        using var http = AdminClient.Create(server, proxy.Port);
        var started = Stopwatch.GetTimestamp();
        var (round, operations) = (0, 0);
        while (Rounds is { } wanted ? round < wanted : Stopwatch.GetElapsedTime(started) < Budget)
        {
            var name = $"crash-{round}";
            await CreateNamespaceAsync(http, name);
            using var run = TrafficRun.Start(http, name, random);
            for (var i = 0; i < RoundsOfHistory && (Rounds is null || round < Rounds); i++, round++)
                await KillAndStartAsync(server, proxy, random);
            var history = await run.FinishAsync();
            operations += history.Length;
            output.WriteLine($"{round} rounds, {operations} operations; {string.Join("; ", run.Watchers)}");
            Assert.Equal([], HistoryChecker.Check(history));
        }

        Assert.True(round > 0 && operations > 20 * round, $"{operations} operations in {round} rounds are no test");
    }

    private static async Task KillAndStartAsync(TimonierServer server, CuttingProxy proxy, Random random)
    {
        await DelayAsync(random.Next(400));
        if (random.Next(4) == 0)
        {
            proxy.CutAll();
            await DelayAsync(random.Next(100));
        }
        await server.KillAsync();
        await PrepareAsync(server.DataDirectory, random);
        while (random.Next(4) == 0) // and again while it starts
        {
            server.Start();
            await DelayAsync(random.Next(700));
            await server.KillAsync();
        }
        await server.LaunchAsync();
    }

    /// <summary>Both forms can be read at any time; the first is written.</summary>
    private static async Task<string[]> PrepareAsync(string directory, Random random)
    {
        var (file, key) = (Path.Combine(directory, "encryption.yaml"), $"{{aesgcm: {{keys: [{{name: k, secret: {Convert.ToBase64String(new byte[32])}}}]}}}}");
        var providers = random.Next(2) == 0 ? $"{key}, {{identity: {{}}}}" : $"{{identity: {{}}}}, {key}";
        await File.WriteAllTextAsync(file, $"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{{resources: [configmaps], providers: [{providers}]}}]\n");
        return ["--no-node", "--history", "1s", $"--encryption-provider-config={file}"];
    }

    private static async Task CreateNamespaceAsync(HttpClient http, string name)
    {
        using var body = new StringContent($"{{\"metadata\":{{\"name\":\"{name}\"}}}}", Encoding.UTF8, MediaTypeHeaderValue.Parse("application/json"));
        (await http.PostAsync("/api/v1/namespaces", body)).EnsureSuccessStatusCode();
    }

    private static Task DelayAsync(int milliseconds) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System);

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : null;
}

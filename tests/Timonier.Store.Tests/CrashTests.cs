using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Timonier.Store.Tests;

/// <summary>An acknowledged write survives kill -9, and its revision is never given again.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    /// <summary>How often to kill; TIMONIER_CRASH_ROUNDS=500 for a long run, TIMONIER_CRASH_SEED to repeat one.</summary>
    private static readonly int Rounds = Setting("TIMONIER_CRASH_ROUNDS", 15);

    private static readonly int Seed = Setting("TIMONIER_CRASH_SEED", 20261121);

    [Fact]
    public async Task KilledAtRandomMoments_NothingAcknowledgedIsLost()
    {
        output.WriteLine($"seed {Seed}, {Rounds} rounds");
        var random = new Random(Seed);
        using var directory = new TestDirectory();
        var acknowledged = new List<Acknowledgement>();
        for (var round = 0; round < Rounds; round++)
        {
            acknowledged.AddRange(await WriteUntilKilledAsync(1 + random.Next(3000), directory.Path));
            await using var store = directory.Open();
            Assert.Equal([], await AcknowledgedWrites.FindLossesAsync(store, acknowledged));
        }

        output.WriteLine($"{acknowledged.Count} acknowledged writes");
    }

    /// <summary>Killed at each step of a write, in the middle of a run and right at its start.</summary>
    [Theory]
    [InlineData(StoreFaultPoint.BeforeWrite, 0)]
    [InlineData(StoreFaultPoint.BeforeWrite, 100)]
    [InlineData(StoreFaultPoint.BeforeCommit, 0)] // of the tables
    [InlineData(StoreFaultPoint.BeforeCommit, 100)]
    [InlineData(StoreFaultPoint.BeforeMark, 0)] // of the tables
    [InlineData(StoreFaultPoint.BeforeMark, 100)]
    [InlineData(StoreFaultPoint.BeforeCheckpoint, 0)]
    [InlineData(StoreFaultPoint.AfterCheckpoint, 0)]
    [InlineData(StoreFaultPoint.AfterCheckpoint, 1)]
    [InlineData(StoreFaultPoint.BeforeReply, 0)]
    [InlineData(StoreFaultPoint.BeforeReply, 100)]
    [InlineData(StoreFaultPoint.BeforeCleanCommit, 0)]
    [InlineData(StoreFaultPoint.BeforeCleanCommit, 5)]
    public async Task KilledAtAFaultPoint_NothingAcknowledgedIsLost(StoreFaultPoint point, int passes)
    {
        using var directory = new TestDirectory();
        var acknowledged = await WriteUntilKilledAsync(int.MaxValue, directory.Path, $"{point}", $"{passes}");
        await using var store = directory.Open();
        Assert.Equal([], await AcknowledgedWrites.FindLossesAsync(store, acknowledged));
        Assert.True(passes == 0 || acknowledged.Count > 0);

        // What was durable before the reply is there although nobody was told.
        Assert.True(point != StoreFaultPoint.BeforeReply || store.Revision > acknowledged.Select(one => one.Revision).Append(1).Max());
    }

    /// <summary>The checker is checked: it must find what these broken stores would do.</summary>
    [Theory]
    [InlineData(3, "/0/0", 2, "acknowledged, but the store ends at revision 2")]
    [InlineData(2, "/0/0", 2, "acknowledged 2, found 1")]
    [InlineData(2, "/0/1", 1, "acknowledged 1, found nothing")]
    public async Task LostWrite_IsFound(long revision, string key, int count, string expected)
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.PutAsync("/0/0", "1 x");
        var losses = await AcknowledgedWrites.FindLossesAsync(store, [new Acknowledgement(revision, key, count)]);
        Assert.Contains(losses, one => one.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task RevisionGivenTwice_IsFound()
    {
        await using var store = EmbeddedStore.InMemory(new ManualTime());
        await store.PutAsync("/0/0", "2 x");
        var losses = await AcknowledgedWrites.FindLossesAsync(store, [new Acknowledgement(2, "/0/0", 1), new Acknowledgement(2, "/0/0", 2)]);
        Assert.Equal(["revision 2 was given 2 times"], losses);
    }

    private static async Task<List<Acknowledgement>> WriteUntilKilledAsync(int lines, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(CrashWriter).Assembly.Location, .. arguments]) { RedirectStandardOutput = true };
        using var child = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var acknowledged = new List<Acknowledgement>();
        try
        {
            while (await child.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                var words = line.Split(' ');
                acknowledged.Add(new Acknowledgement(long.Parse(words[0], CultureInfo.InvariantCulture), words[1], int.Parse(words[2], CultureInfo.InvariantCulture)));
                if (acknowledged.Count == lines)
                {
                    child.Kill(); // SIGKILL; what it had told until then is still read
                }
            }
        }
        finally
        {
            child.Kill();
        }

        await child.WaitForExitAsync(limit.Token);
        Assert.Equal(128 + 9, child.ExitCode);
        return acknowledged;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}

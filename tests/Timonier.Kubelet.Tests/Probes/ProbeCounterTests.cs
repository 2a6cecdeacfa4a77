using Timonier.Api.Core.V1;
using Timonier.Kubelet.Probes;

namespace Timonier.Kubelet.Tests.Probes;

public sealed class ProbeCounterTests
{
    [Theory]
    // Kind, success threshold, failure threshold, attempts (s, f, ? unknown), result.
    [InlineData("Liveness", 1, 3, "", "Success")]
    [InlineData("Liveness", 1, 3, "ff", "Success")]
    [InlineData("Liveness", 1, 3, "fff", "Failure")]
    [InlineData("Liveness", 1, 3, "ffsff", "Success")]
    [InlineData("Liveness", 1, 3, "ff?f", "Failure")]
    [InlineData("Readiness", 1, 3, "", "Failure")]
    [InlineData("Readiness", 2, 3, "s", "Failure")]
    [InlineData("Readiness", 2, 3, "ss", "Success")]
    [InlineData("Readiness", 1, 2, "sf", "Success")]
    [InlineData("Readiness", 1, 2, "sff", "Failure")]
    [InlineData("Startup", 1, 2, "", "Unknown")]
    [InlineData("Startup", 1, 2, "f", "Unknown")]
    [InlineData("Startup", 1, 2, "fs", "Success")]
    [InlineData("Startup", 1, 2, "ff", "Failure")]
    public void Attempts_CountByThreshold(string kind, int success, int failure, string attempts, string expected)
    {
        var counter = new ProbeCounter(Enum.Parse<ProbeKind>(kind), new Probe { SuccessThreshold = success, FailureThreshold = failure });
        foreach (var attempt in attempts)
            counter.Add(attempt switch { 's' => ProbeResult.Success, 'f' => ProbeResult.Failure, _ => ProbeResult.Unknown });
        Assert.Equal(Enum.Parse<ProbeResult>(expected), counter.Result);
    }

    [Fact]
    public void Change_IsToldOnce()
    {
        var counter = new ProbeCounter(ProbeKind.Readiness, new Probe { SuccessThreshold = 1, FailureThreshold = 1 });
        Assert.True(counter.Add(ProbeResult.Success));
        Assert.False(counter.Add(ProbeResult.Success));
        Assert.True(counter.Add(ProbeResult.Failure));
    }
}

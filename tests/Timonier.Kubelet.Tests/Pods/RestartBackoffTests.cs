using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Pods;

public sealed class RestartBackoffTests
{
    private readonly RestartBackoff _backoff = new();

    [Fact]
    public void FirstFailure_IsTriedAgainAtOnce() => Assert.Null(_backoff.Waiting("a", TestPods.Now, TestPods.Now));

    [Fact]
    public void Delays_DoubleUpToFiveMinutes()
    {
        var failed = TestPods.Now;
        var seen = new List<double>();
        for (var i = 0; i < 7; i++)
        {
            _backoff.Next("a", failed);
            var waiting = _backoff.Waiting("a", failed, failed);
            seen.Add(waiting!.Value.Delay.TotalSeconds);
            Assert.Equal(failed + waiting.Value.Delay, waiting.Value.Until);
            Assert.Null(_backoff.Waiting("a", failed, waiting.Value.Until));
            failed = waiting.Value.Until;
        }
        Assert.Equal([10, 20, 40, 80, 160, 300, 300], seen);
    }

    [Fact]
    public void TenQuietMinutes_StartOver()
    {
        _backoff.Next("a", TestPods.Now);
        _backoff.Next("a", TestPods.Now.AddSeconds(10));
        var later = TestPods.Now.AddMinutes(11);
        Assert.Null(_backoff.Waiting("a", later, later));
        _backoff.Next("a", later);
        Assert.Equal(10, _backoff.Waiting("a", later, later)!.Value.Delay.TotalSeconds);
    }
}

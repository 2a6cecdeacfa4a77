using Timonier.ApiServer.Cache;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.Cache;

public class WaitingWatchersTests
{
    private readonly FakeTime _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(99)]
    public async Task Few_AreWokenByEachEvent(int count)
    {
        var waiting = new WaitingWatchers(_time);
        for (var round = 0; round < 3; round++)
            await WokenAsync(waiting, Add(waiting, count));
    }

    [Fact]
    public async Task Crowd_IsWokenOnceInAPause()
    {
        var waiting = new WaitingWatchers(_time);
        var first = Add(waiting, 1000);
        await WokenAsync(waiting, first);

        var second = Add(waiting, 1000);
        waiting.Wake();
        // Woken only when the time has come, however many events there are.
        Assert.True(SpinWait.SpinUntil(() => _time.Pending == 1, TimeSpan.FromSeconds(30)));
        waiting.Wake();
        _time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.All(second, task => Assert.False(task.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Task.WhenAll(second).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task EventDuringARound_IsNotLost()
    {
        var waiting = new WaitingWatchers(_time);
        var wait = new WatchWait();
        var others = Add(waiting, 50);
        for (var i = 0; i < 1000; i++)
        {
            var woken = wait.Begin();
            waiting.Add(wait);
            waiting.Wake();
            await woken.AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        }
        await Task.WhenAll(others).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task LeavingWatcher_IsWokenAndForgotten()
    {
        var ring = new EventRing(1, _time);
        var wait = new WatchWait();
        var group = ring.Join(Interest.Everything);
        var woken = ring.WaitAsync(ring.End, group, wait).AsTask();
        Assert.False(woken.IsCompleted);
        group.Leave(wait);
        await woken.WaitAsync(TimeSpan.FromSeconds(30));
        ring.Signal();
        group.Leave(wait);
    }

    private static Task[] Add(WaitingWatchers waiting, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        var wait = new WatchWait();
        var woken = wait.Begin().AsTask();
        waiting.Add(wait);
        return woken;
    })];

    private static async Task WokenAsync(WaitingWatchers waiting, Task[] tasks)
    {
        waiting.Wake();
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(30));
    }
}

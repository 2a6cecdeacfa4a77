using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Testing.Fakes;

namespace Timonier.Client.Tests.WorkQueues;

public sealed class WorkQueueTests : IDisposable
{
    private readonly FakeTime _time = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new(_time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void KeyAddedTwice_ComesOnce()
    {
        _queue.Add("a");
        _queue.Add("a");
        Assert.True(_queue.TryGet(out _));
        Assert.False(_queue.TryGet(out _));
    }

    [Fact]
    public void KeyAddedWhileWorkedOn_ComesAgainAfterDone()
    {
        _queue.Add("a");
        _queue.TryGet(out var key);
        _queue.Add("a");
        Assert.False(_queue.TryGet(out _));
        _queue.Done(key);
        Assert.True(_queue.TryGet(out _));
    }

    [Fact]
    public void DelayedKeys_ComeInTimeAndOnce()
    {
        _queue.AddAfter("late", TimeSpan.FromSeconds(10));
        _queue.AddAfter("early", TimeSpan.FromSeconds(1));
        _queue.AddAfter("late", TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(_queue.TryGet(out var key));
        Assert.Equal("early", key);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(_queue.TryGet(out key));
        Assert.Equal("late", key);
        _queue.Done("late");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(_queue.TryGet(out _));
    }

    [Fact]
    public void RateLimitedKey_WaitsTwiceAsLongEachTime()
    {
        foreach (var wait in new[] { 5, 10, 20, 40 })
        {
            _queue.AddRateLimited("a");
            _time.Advance(TimeSpan.FromMilliseconds(wait - 1));
            Assert.False(_queue.TryGet(out _));
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(_queue.TryGet(out _));
            _queue.Done("a");
        }
        Assert.Equal(4, _queue.Failures("a"));
        _queue.Forget("a");
        Assert.Equal(0, _queue.Failures("a"));
    }

    [Fact]
    public async Task WaitingWorker_GetsTheKey()
    {
        var waiting = _queue.GetAsync(default).AsTask();
        _queue.Add("a");
        Assert.Equal("a", await waiting);
    }

    [Fact]
    public async Task FailingReconcile_ComesAgainWithBackoffUntilItSucceeds()
    {
        var calls = 0;
        using var loop = new ControllerLoop<string>("test", (_, _) => ++calls < 3 ? throw new InvalidOperationException("not yet") : Task.CompletedTask, _time, NullLogger.Instance);
        loop.Queue.Add("a");
        Assert.True(await loop.TryWorkAsync());
        Assert.False(await loop.TryWorkAsync());
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.True(await loop.TryWorkAsync());
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.True(await loop.TryWorkAsync());
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(await loop.TryWorkAsync());
        Assert.Equal(0, loop.Queue.Failures("a"));
    }

    [Fact]
    public void Expectations_HoldUntilSeenOrExpired()
    {
        var expectations = new Expectations<string>(_time);
        Assert.True(expectations.Satisfied("a"));
        expectations.ExpectCreations("a", 2);
        expectations.CreationObserved("a");
        Assert.False(expectations.Satisfied("a"));
        expectations.CreationObserved("a");
        Assert.True(expectations.Satisfied("a"));
        expectations.ExpectDeletions("a", ["u1", "u2"]);
        expectations.DeletionObserved("a", "u1");
        expectations.DeletionObserved("a", "u1");
        Assert.False(expectations.Satisfied("a"));
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.True(expectations.Satisfied("a"));
    }
}

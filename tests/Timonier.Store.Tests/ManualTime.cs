namespace Timonier.Store.Tests;

/// <summary>A clock that stands still until it is advanced; then due timers run on the caller's thread.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<Timer> _timers = [];
    private TimeSpan _elapsed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _elapsed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state), _elapsed + dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        var end = _elapsed + time;
        while (_timers.MinBy(one => one.Due) is { } next && next.Due <= end)
        {
            _elapsed = next.Due;
            next.Due += next.Period;
            next.Callback();
        }

        _elapsed = end;
    }

    private sealed class Timer(ManualTime time, Action callback, TimeSpan due, TimeSpan period) : ITimer
    {
        public Action Callback => callback;

        public TimeSpan Due { get; set; } = due;

        public TimeSpan Period => period;

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

using System.Runtime.InteropServices;

namespace Timonier.Client;

/// <summary>
/// How long a key waits before it is tried again: its own delay doubles with each failure (upstream: 5 ms to 1000 s), and
/// all keys together take from one bucket (10 per second, 100 at once). Not thread-safe.
/// </summary>
internal sealed class RetryLimiter<TKey>(TimeProvider time) where TKey : notnull
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1000);

    private readonly Dictionary<TKey, int> _failures = [];
    private readonly TokenBucket _overall = new(perSecond: 10, burst: 100, time);

    public TimeSpan Next(TKey key)
    {
        ref var failures = ref CollectionsMarshal.GetValueRefOrAddDefault(_failures, key, out _);
        // 2^18 times 5 ms is beyond the most; a larger exponent would overflow.
        var own = failures >= 18 ? Most : First * (1 << failures);
        failures++;
        var shared = _overall.Reserve();
        return own < Most ? Max(own, shared) : Max(Most, shared);
    }

    public int Failures(TKey key) => _failures.GetValueOrDefault(key);

    public void Forget(TKey key) => _failures.Remove(key);

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

namespace Timonier.Client;

/// <summary>Delays that double up to a bound, each lengthened by chance (up to half as much again) so that clients do not return together. Not thread-safe.</summary>
public sealed class Backoff(TimeSpan first, TimeSpan most, Random random)
{
    private TimeSpan? _last;

    public TimeSpan Next()
    {
        _last = _last is not { } last ? first : last * 2 < most ? last * 2 : most;
        return _last.Value * (1 + (random.NextDouble() / 2));
    }

    public void Reset() => _last = null;
}

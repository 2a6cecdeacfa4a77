namespace Timonier.ApiServer.Strategies;

/// <summary>
/// Hands out numbers of a range: cluster IPs (as offsets) and node ports. The lower part of the range is left for people
/// who name a number and used last (KEP-3070, KEP-3668). Thread-safe. What is taken is given back by <see cref="Release"/>.
/// </summary>
internal sealed class NumberAllocator(int first, int count, int reserved, Random random)
{
    private readonly Lock _lock = new();
    private readonly HashSet<int> _taken = [];

    public bool Contains(int number) => number >= first && number < first + count;

    /// <summary>False when somebody has it.</summary>
    public bool TryTake(int number)
    {
        lock (_lock)
            return _taken.Add(number);
    }

    /// <summary>Null when none is free.</summary>
    public int? TakeAny()
    {
        lock (_lock)
            return TakeFrom(first + reserved, count - reserved) ?? TakeFrom(first, reserved);
    }

    public void Release(int number)
    {
        lock (_lock)
            _taken.Remove(number);
    }

    private int? TakeFrom(int start, int size)
    {
        if (size <= 0)
            return null;
        int offset;
        // Others draw from the same source, which is not thread-safe.
        lock (random)
            offset = random.Next(size);
        for (var i = 0; i < size; i++)
        {
            var number = start + ((offset + i) % size);
            if (_taken.Add(number))
                return number;
        }
        return null;
    }
}

using System.Collections.Concurrent;
using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>The history while it is made: one clock and one list for all clients.</summary>
internal sealed class Recorder
{
    private readonly ConcurrentQueue<Operation> _operations = new();
    private long _clock;

    public Operation[] History => [.. _operations];

    public int Count => _operations.Count;

    public long Now() => Interlocked.Increment(ref _clock);

    public void Add(Operation operation) => _operations.Enqueue(operation);
}

using System.Globalization;
using Timonier.Api;

namespace Timonier.Kubelet.Eviction;

/// <summary>What the node can run out of.</summary>
internal enum EvictionSignal
{
    MemoryAvailable,
    NodeFsAvailable,
    NodeFsInodesFree,
    ImageFsAvailable,
    ImageFsInodesFree,
    PidAvailable,
}

/// <summary>How much there is of it, in bytes (or inodes, or process ids).</summary>
internal readonly record struct SignalReading(long Available, long Capacity);

/// <summary>
/// Below this much the node evicts pods without grace ("hard" threshold). Source: KubeletConfiguration.evictionHard.
/// </summary>
public sealed record EvictionThreshold
{
    private static readonly Dictionary<string, EvictionSignal> Signals = new(StringComparer.Ordinal)
    {
        ["memory.available"] = EvictionSignal.MemoryAvailable,
        ["nodefs.available"] = EvictionSignal.NodeFsAvailable,
        ["nodefs.inodesFree"] = EvictionSignal.NodeFsInodesFree,
        ["imagefs.available"] = EvictionSignal.ImageFsAvailable,
        ["imagefs.inodesFree"] = EvictionSignal.ImageFsInodesFree,
        ["pid.available"] = EvictionSignal.PidAvailable,
    };

    /// <summary>Upstream's defaults on Linux.</summary>
    public const string Defaults = "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%";

    internal EvictionSignal Signal { get; private init; }

    private Quantity Amount { get; init; }

    // Of the capacity, 0 to 1; null: Amount counts.
    private double? Share { get; init; }

    /// <summary>Reads <c>signal&lt;quantity</c> or <c>signal&lt;percentage</c>, several with commas; empty: none.</summary>
    /// <exception cref="FormatException">The message says which part is wrong.</exception>
    public static IReadOnlyList<EvictionThreshold> Parse(string text)
    {
        var thresholds = new List<EvictionThreshold>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var sides = part.Split('<');
            if (sides.Length != 2)
                throw new FormatException($"invalid eviction threshold syntax {part}, expected <signal><operator><value>");
            if (!Signals.TryGetValue(sides[0], out var signal))
                throw new FormatException($"unknown eviction signal {sides[0]}");
            if (thresholds.Any(t => t.Signal == signal))
                throw new FormatException($"duplicate eviction threshold specified for {sides[0]}");
            thresholds.Add(Parse(signal, sides[1]));
        }
        return thresholds;
    }

    private static EvictionThreshold Parse(EvictionSignal signal, string value)
    {
        if (!value.EndsWith('%'))
            return Quantity.TryParse(value, out var amount) && amount.Value >= 0 ? new() { Signal = signal, Amount = amount } : throw new FormatException($"eviction threshold value {value} must be a positive quantity");
        return double.TryParse(value[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is >= 0 and <= 100
            ? new() { Signal = signal, Share = percent / 100 }
            : throw new FormatException($"eviction percentage threshold {value} must be between 0% and 100%");
    }

    internal Quantity Of(long capacity) => Share is { } share ? Quantity.FromBytes((long)(capacity * share)) : Amount;

    internal bool IsMet(SignalReading reading) => reading.Available < Of(reading.Capacity).Value;
}

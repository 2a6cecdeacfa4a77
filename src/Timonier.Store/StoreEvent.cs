namespace Timonier.Store;

/// <summary>One change of one key. One object for all watchers.</summary>
public sealed class StoreEvent
{
    internal StoreEvent(long revision, Entry? current, Entry? previous)
    {
        Revision = revision;
        Current = current;
        Previous = previous;
    }

    public long Revision { get; }

    public string Key => (Current ?? Previous)!.Key;

    /// <summary>What was put; null: the key was deleted.</summary>
    public Entry? Current { get; }

    /// <summary>What was there before; null: the key was created.</summary>
    public Entry? Previous { get; }
}

/// <summary>All changes of one revision within the watched range; none: progress.</summary>
public readonly record struct WatchResponse(long Revision, IReadOnlyList<StoreEvent> Events);

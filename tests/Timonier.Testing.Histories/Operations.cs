namespace Timonier.Testing.Histories;

/// <summary>
/// What one client did, as it saw it: the input of <see cref="HistoryChecker"/>. Start and End are ticks of one clock for all clients (a
/// counter will do): an operation that ended before another started must be visible to it.
/// </summary>
public abstract record Operation(string Client, long Start, long End);

public enum WriteKind { Create, Update, Delete }

/// <summary>Refused: the server said that it was not done. Unknown: no answer, or one that leaves it open; it may have been done or not.</summary>
public enum Outcome { Done, Refused, Unknown }

/// <param name="Value">Different in each write of a history; empty for a delete.</param>
/// <param name="Expected">The revision that the key must have had; 0 for a create, which wants no such key.</param>
/// <param name="Revision">What the answer said; 0 where it says none (deletes).</param>
public sealed record WriteOp(string Client, long Start, long End, WriteKind Kind, string Key, string Value, long Expected, Outcome Outcome, long Revision)
    : Operation(Client, Start, End);

/// <summary>One key as an answer shows it.</summary>
public readonly record struct Item(string Key, string Value, long Revision);

/// <param name="Found">Null: not found.</param>
public sealed record ReadOp(string Client, long Start, long End, string Key, Item? Found) : Operation(Client, Start, End);

/// <summary>A whole list in one or more pages, each with the revision that it says it is of.</summary>
/// <param name="Exact">The revision asked for; 0: the newest.</param>
public sealed record ListOp(string Client, long Start, long End, long Exact, IReadOnlyList<ListPage> Pages) : Operation(Client, Start, End);

public readonly record struct ListPage(long Revision, IReadOnlyList<Item> Items);

public enum WatchedType { Added, Modified, Deleted }

/// <summary>The value of a deletion is the last one before it, its revision that of the deletion.</summary>
public readonly record struct Watched(WatchedType Type, Item Item);

/// <summary>One watch from its request to its end, whatever ended it.</summary>
/// <param name="From">Changes behind this revision were asked for.</param>
/// <param name="Through">It had the time to deliver everything up to this revision; 0: it was cut off somewhere.</param>
public sealed record WatchOp(string Client, long Start, long End, long From, long Through, IReadOnlyList<Watched> Events) : Operation(Client, Start, End);

namespace Timonier.Store;

/// <summary>A page of a range.</summary>
/// <param name="Revision">The revision at which it was read.</param>
/// <param name="Entries">In ordinal order of their keys.</param>
/// <param name="More">There is more in the range behind the last entry.</param>
/// <param name="Count">How many entries the range has, without regard to the limit.</param>
public sealed record RangeResponse(long Revision, IReadOnlyList<Entry> Entries, bool More, int Count);

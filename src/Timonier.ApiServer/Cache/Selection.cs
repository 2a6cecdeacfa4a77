using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Which objects of a resource a list or watch means: a range of keys, and what its selectors ask of the header.</summary>
internal sealed class Selection(KeyRange range)
{
    public KeyRange Range { get; } = range;

    /// <summary>Every object of the range matches.</summary>
    public bool IsWholeRange => true;

    public bool Matches(Entry? entry) => entry is not null && Range.Contains(entry.Key);
}

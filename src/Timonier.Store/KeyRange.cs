namespace Timonier.Store;

/// <summary>The keys from <see cref="Start"/> to before <see cref="End"/> (null: to the last), in ordinal order of UTF-16.</summary>
public readonly record struct KeyRange(string Start, string? End)
{
    public static KeyRange All => new("", null);

    /// <summary>All keys that begin with <paramref name="prefix"/>.</summary>
    public static KeyRange Prefix(string prefix)
    {
        var last = prefix.AsSpan().LastIndexOfAnyExcept('\uffff');
        return new KeyRange(prefix, last < 0 ? null : string.Concat(prefix.AsSpan(0, last), [(char)(prefix[last] + 1)]));
    }

    /// <summary>What is left of this range behind <paramref name="key"/>: the next page.</summary>
    public KeyRange After(string key) => this with { Start = key + '\0' };

    public bool Contains(string key) =>
        string.CompareOrdinal(key, Start) >= 0 && (End is null || string.CompareOrdinal(key, End) < 0);
}

namespace Timonier.Store;

/// <summary>What values look like on disk, where that is not as in memory: encrypted. Thread-safe.</summary>
public interface IValueTransformer
{
    /// <summary>Asked before a write is taken on, in the caller's thread: behind it, <see cref="ToDisk"/> must not fail.</summary>
    /// <exception cref="StoreException">Values of this key can't be written at present.</exception>
    void RequireWritable(string key) { }

    /// <summary>The form for the disk; the given array itself where the key's values are not transformed.</summary>
    byte[] ToDisk(string key, byte[] value);

    /// <summary>The value again.</summary>
    /// <param name="stale">True: <see cref="ToDisk"/> would write it in another form now (another key, or none then); it is rewritten when the store opens.</param>
    /// <exception cref="StoreSealedException">It cannot be read with what is configured.</exception>
    byte[] FromDisk(string key, byte[] stored, out bool stale);
}

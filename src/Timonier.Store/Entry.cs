namespace Timonier.Store;

/// <summary>One key with its value, as of one revision. Never changes; 56 bytes beside the key and the value.</summary>
public sealed class Entry
{
    private readonly byte[] _value;

    internal Entry(string key, byte[] value, long createRevision, long modRevision, long version, int operation)
    {
        Key = key;
        _value = value;
        CreateRevision = createRevision;
        ModRevision = modRevision;
        Version = (int)version;
        Operation = operation;
    }

    public string Key { get; }

    public ReadOnlyMemory<byte> Value => _value;

    /// <summary>The revision that created the key (anew, after a delete).</summary>
    public long CreateRevision { get; }

    /// <summary>The revision that wrote this value.</summary>
    public long ModRevision { get; }

    /// <summary>The number of writes since the key was created: 1 for the first.</summary>
    public int Version { get; }

    /// <summary>Which operation of its transaction wrote it: with the revision, the row on disk.</summary>
    internal int Operation { get; }

    internal byte[] Bytes => _value;
}

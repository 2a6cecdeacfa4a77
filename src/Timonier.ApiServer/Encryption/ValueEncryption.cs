using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Timonier.ApiServer.Encryption.Kms;
using Timonier.Store;

namespace Timonier.ApiServer.Encryption;

/// <summary>Encrypts the values of configured resources on their way to the disk. In memory, and so for all readers and watchers, they are plain.</summary>
public sealed class ValueEncryption : IValueTransformer
{
    /// <summary>Configurations before the present one that can still be read.</summary>
    private const int FormerMax = 64;

    private static readonly byte[] Mark = Encoding.ASCII.GetBytes(EncryptionKey.Mark);

    private readonly ConcurrentDictionary<(string Type, string Prefix, bool Ok), long> _operations = new();

    // What was configured before this process was told of another configuration still reads.
    private volatile IReadOnlyList<ResourceEncryption> _resources, _former = [];

    internal ValueEncryption(IReadOnlyList<ResourceEncryption> resources) => _resources = resources;

    internal IReadOnlyList<KmsKey> Plugins => [.. _resources.Concat(_former).SelectMany(r => r.Keys).OfType<KmsKey>().Distinct()];

    /// <summary>By direction ("to_storage", "from_storage"), prefix of the key and whether it went well.</summary>
    internal IEnumerable<KeyValuePair<(string Type, string Prefix, bool Ok), long>> Operations => _operations;

    /// <summary>Takes another configuration into use: for writes from now on. Values are rewritten when they are written, or by the next start.</summary>
    public void Replace(ValueEncryption other)
    {
        _former = [.. _resources, .. _former.Take(FormerMax)];
        _resources = other._resources;
    }

    public void RequireWritable(string key) => Find(key)?.Writer?.RequireWritable();

    public byte[] ToDisk(string key, byte[] value) => Find(key)?.Writer is { } writer ? Counted("to_storage", writer, () => writer.Seal(key, value)) : value;

    public byte[] FromDisk(string key, byte[] stored, out bool stale)
    {
        var resource = Find(key);
        if (!stored.AsSpan().StartsWith(Mark))
        {
            stale = resource?.Writer is not null;
            return stored;
        }
        var reader = resource?.Keys.FirstOrDefault(k => k.Owns(stored)) ?? _former.Where(r => key.StartsWith(r.Prefix, StringComparison.Ordinal)).SelectMany(r => r.Keys).FirstOrDefault(k => k.Owns(stored));
        stale = !ReferenceEquals(reader, resource?.Writer);
        if (reader is null)
            throw Sealed(key, $"it is encrypted with {Named(stored)}, which the encryption configuration does not have for this resource");
        try
        {
            var plain = Counted("from_storage", reader, () => reader.Open(key, stored));
            stale |= reader.IsStale(stored);
            return plain;
        }
        catch (KmsException e)
        {
            throw Sealed(key, e.Message, e);
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            throw Sealed(key, $"the key {reader.Prefix} does not open it: cipher: message authentication failed", e);
        }
    }

    private byte[] Counted(string type, EncryptionKey key, Func<byte[]> work)
    {
        var ok = false;
        try
        {
            var result = work();
            ok = true;
            return result;
        }
        finally
        {
            _operations.AddOrUpdate((type, key.Prefix, ok), 1, static (_, count) => count + 1);
        }
    }

    private ResourceEncryption? Find(string key)
    {
        foreach (var resource in _resources)
        {
            if (key.StartsWith(resource.Prefix, StringComparison.Ordinal))
                return resource;
        }
        return null;
    }

    /// <summary>"k8s:enc:aesgcm:v1:key1:" of a value.</summary>
    private static string Named(byte[] stored)
    {
        var start = Encoding.UTF8.GetString(stored, 0, Math.Min(stored.Length, 200)).Split(':');
        return string.Join(':', start.Take(5)) + ":";
    }

    private static StoreSealedException Sealed(string key, string why, Exception? inner = null) =>
        new($"{key}: unable to read the stored value: {why}. Nothing was changed; start with the encryption configuration that wrote it", inner);
}

/// <summary>How the values below one prefix of keys are encrypted.</summary>
/// <param name="Writer">The first provider's first key; null: written in plain.</param>
/// <param name="Keys">All that may have written.</param>
internal sealed record ResourceEncryption(string Prefix, EncryptionKey? Writer, IReadOnlyList<EncryptionKey> Keys);

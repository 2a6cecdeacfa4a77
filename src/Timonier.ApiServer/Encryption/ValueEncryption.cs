using System.Security.Cryptography;
using System.Text;
using Timonier.Store;

namespace Timonier.ApiServer.Encryption;

/// <summary>Encrypts the values of configured resources on their way to the disk. In memory, and so for all readers and watchers, they are plain.</summary>
public sealed class ValueEncryption : IValueTransformer
{
    private static readonly byte[] Mark = Encoding.ASCII.GetBytes(EncryptionKey.Mark);

    private readonly IReadOnlyList<ResourceEncryption> _resources;

    internal ValueEncryption(IReadOnlyList<ResourceEncryption> resources) => _resources = resources;

    public byte[] ToDisk(string key, byte[] value) => Find(key)?.Writer is { } writer ? writer.Seal(key, value) : value;

    public byte[] FromDisk(string key, byte[] stored, out bool stale)
    {
        var resource = Find(key);
        if (!stored.AsSpan().StartsWith(Mark))
        {
            stale = resource?.Writer is not null;
            return stored;
        }
        var reader = resource?.Keys.FirstOrDefault(k => k.Owns(stored));
        stale = !ReferenceEquals(reader, resource?.Writer);
        if (reader is null)
            throw Sealed(key, $"it is encrypted with {Named(stored)}, which the encryption configuration does not have for this resource");
        try
        {
            return reader.Open(key, stored);
        }
        catch (CryptographicException e)
        {
            throw Sealed(key, $"the key {reader.Prefix} does not open it: cipher: message authentication failed", e);
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

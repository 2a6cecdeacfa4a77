using System.Security.Cryptography;
using System.Text;

namespace Timonier.ApiServer.Encryption;

/// <summary>One key of a provider: makes and opens values of the form k8s:enc:PROVIDER:VERSION:NAME:... Thread-safe.</summary>
internal abstract class EncryptionKey(string provider, string name, string version = "v1") : IDisposable
{
    /// <summary>All encrypted values begin with it; plain ones are JSON.</summary>
    public const string Mark = "k8s:enc:";

    private readonly byte[] _prefix = Encoding.UTF8.GetBytes($"{Mark}{provider}:{version}:{name}:");

    public string Name => name;

    public string Prefix { get; } = $"{Mark}{provider}:{version}:{name}:";

    public bool Owns(ReadOnlySpan<byte> stored) => stored.StartsWith(_prefix);

    public byte[] Seal(string key, ReadOnlySpan<byte> plain) => [.. _prefix, .. Encrypt(Encoding.UTF8.GetBytes(key), plain)];

    /// <exception cref="CryptographicException">Not with this key, or of another object.</exception>
    public byte[] Open(string key, ReadOnlySpan<byte> stored) => Decrypt(Encoding.UTF8.GetBytes(key), Body(stored));

    protected ReadOnlySpan<byte> Body(ReadOnlySpan<byte> stored) => stored[_prefix.Length..];

    /// <summary>Would it write a value of its own differently now?</summary>
    public virtual bool IsStale(ReadOnlySpan<byte> stored) => false;

    /// <exception cref="Timonier.Store.StoreException">It can't write at present.</exception>
    public virtual void RequireWritable() { }

    public abstract void Dispose();

    protected abstract byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain);

    protected abstract byte[] Decrypt(byte[] key, ReadOnlySpan<byte> sealedBytes);
}

/// <summary>AES-GCM with a random nonce of 96 bits; the object's key is authenticated, so that a value can't be put in another's place.</summary>
internal sealed class AesGcmKey(string name, byte[] secret) : EncryptionKey("aesgcm", name)
{
    private const int NonceBytes = 12, TagBytes = 16;

    private readonly AesGcm _aes = new(secret, TagBytes);
    private readonly Lock _gate = new();

    protected override byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain)
    {
        var result = new byte[NonceBytes + plain.Length + TagBytes];
        var nonce = result.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        lock (_gate)
            _aes.Encrypt(nonce, plain, result.AsSpan(NonceBytes, plain.Length), result.AsSpan(NonceBytes + plain.Length), key);
        return result;
    }

    protected override byte[] Decrypt(byte[] key, ReadOnlySpan<byte> sealedBytes)
    {
        if (sealedBytes.Length < NonceBytes + TagBytes)
            throw new CryptographicException("the stored data was shorter than the required size");
        var plain = new byte[sealedBytes.Length - NonceBytes - TagBytes];
        lock (_gate)
            _aes.Decrypt(sealedBytes[..NonceBytes], sealedBytes.Slice(NonceBytes, plain.Length), sealedBytes[^TagBytes..], plain, key);
        return plain;
    }

    public override void Dispose() => _aes.Dispose();
}

/// <summary>AES-CBC with a random initialization vector and PKCS#7 padding. Nothing is authenticated; upstream has it for old clusters.</summary>
internal sealed class AesCbcKey(string name, byte[] secret) : EncryptionKey("aescbc", name)
{
    private const int BlockBytes = 16;

    protected override byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain)
    {
        var vector = RandomNumberGenerator.GetBytes(BlockBytes);
        using var aes = Create();
        return [.. vector, .. aes.EncryptCbc(plain, vector)];
    }

    protected override byte[] Decrypt(byte[] key, ReadOnlySpan<byte> sealedBytes)
    {
        if (sealedBytes.Length < 2 * BlockBytes)
            throw new CryptographicException("the stored data was shorter than the required size");
        using var aes = Create();
        return aes.DecryptCbc(sealedBytes[BlockBytes..], sealedBytes[..BlockBytes]);
    }

    public override void Dispose() { }

    private Aes Create()
    {
        var aes = Aes.Create();
        aes.Key = secret;
        return aes;
    }
}

/// <summary>XSalsa20 and Poly1305 with a random nonce of 192 bits. The object's key is not authenticated: upstream's format has no place for it.</summary>
internal sealed class SecretBoxKey(string name, byte[] secret) : EncryptionKey("secretbox", name)
{
    protected override byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain)
    {
        var nonce = RandomNumberGenerator.GetBytes(SecretBox.NonceBytes);
        return [.. nonce, .. SecretBox.Seal(secret, nonce, plain)];
    }

    protected override byte[] Decrypt(byte[] key, ReadOnlySpan<byte> sealedBytes) => sealedBytes.Length < SecretBox.NonceBytes
        ? throw new CryptographicException("the stored data was shorter than the required size")
        : SecretBox.Open(secret, sealedBytes[..SecretBox.NonceBytes], sealedBytes[SecretBox.NonceBytes..]);

    public override void Dispose() { }
}

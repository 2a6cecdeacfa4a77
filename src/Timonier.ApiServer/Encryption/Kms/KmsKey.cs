using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Timonier.ApiServer.Content;
using Timonier.Store;

namespace Timonier.ApiServer.Encryption.Kms;

/// <summary>
/// The provider kms v2: the plugin seals a seed, once; from the seed comes a key of its own for every value (HKDF-SHA256, AES-GCM). Writes and reads
/// with known seeds never wait for the plugin. When the plugin names another key, a new seed is made; when it is silent, reads go on, and writes
/// end after three minutes, so that who changed the key knows when the old one is out of use. Source: KEP-3299, apiserver kmsv2.
/// </summary>
internal sealed class KmsKey(string name, IKmsPlugin plugin, TimeProvider time) : EncryptionKey("kms", name, "v2")
{
    private const int SeedBytes = 32, InfoBytes = 32, NonceBytes = 12, TagBytes = 16, SeedsMax = 4096, AnnotationBytesMax = 32 * 1024, KeyIdBytesMax = 1024;

    /// <summary>EncryptedDEKSourceType HKDF_SHA256_XNONCE_AES_GCM_SEED.</summary>
    private const ulong SeedType = 1;

    /// <summary>Upstream's kmsv2PluginWriteDEKSourceMaxTTL and the periods of its health checks.</summary>
    private static readonly TimeSpan WriteTtl = TimeSpan.FromMinutes(3), WellPeriod = TimeSpan.FromMinutes(1), UnwellPeriod = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, byte[]> _seeds = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Type, string KeyHash), (long Count, long Last)> _used = new();
    private readonly Lock _starting = new();
    private volatile State? _state;
    private volatile string? _keyId;
    private DateTimeOffset _next = DateTimeOffset.MinValue;

    private sealed record State(byte[] Seed, KmsSealed Sealed, DateTimeOffset Until);

    /// <summary>What is wrong with the plugin; empty: nothing.</summary>
    public string Fault { get; private set; } = "not asked yet";

    public DateTimeOffset StatusAt { get; private set; }

    /// <summary>"sha256:..." of the key that is in use; upstream never shows the id itself.</summary>
    public string KeyHash => Hash(_keyId ?? "");

    /// <summary>Asks the plugin when it is time. Never throws for a plugin that fails: <see cref="Fault"/> tells.</summary>
    public async Task PollAsync(CancellationToken cancel)
    {
        if (time.GetUtcNow() < _next)
            return;
        try
        {
            await RefreshAsync(cancel);
        }
        catch (KmsException e)
        {
            Fault = e.Message;
        }
        _next = time.GetUtcNow() + (Fault.Length == 0 ? WellPeriod : UnwellPeriod);
    }

    private async Task RefreshAsync(CancellationToken cancel)
    {
        var status = await plugin.StatusAsync(cancel);
        StatusAt = time.GetUtcNow();
        if (status.Version is not ("v2" or "v2beta1"))
            throw new KmsException($"kms provider \"{Name}\": unexpected KMS API version \"{status.Version}\", v2 is wanted");
        if (status.Healthz != "ok")
            throw new KmsException($"kms provider \"{Name}\": got unexpected healthz status: {status.Healthz}");
        if (status.KeyId.Length is 0 or > KeyIdBytesMax)
            throw new KmsException($"kms provider \"{Name}\": keyID is {(status.KeyId.Length == 0 ? "empty" : "too long")}");
        _keyId = status.KeyId;
        var until = time.GetUtcNow() + WriteTtl;
        if (_state is { } state)
            _state = state.Sealed.KeyId == status.KeyId ? state with { Until = until } : await RotateAsync(until, cancel);
        Fault = "";
    }

    private async Task<State> RotateAsync(DateTimeOffset until, CancellationToken cancel)
    {
        var seed = RandomNumberGenerator.GetBytes(SeedBytes);
        var made = await plugin.EncryptAsync(seed, cancel);
        if (made.Ciphertext.Length == 0 || made.KeyId.Length is 0 or > KeyIdBytesMax || made.Annotations.Sum(a => a.Length) > AnnotationBytesMax)
            throw new KmsException($"kms provider \"{Name}\": Encrypt answered without ciphertext or keyID, or with too large annotations");
        Keep(made, seed);
        return new State(seed, made, until);
    }

    /// <summary>Before the store is open there is nobody to wait elsewhere: the first value waits for the plugin here, within its time limit.</summary>
    private State Current()
    {
        if (_state is { } known)
            return known;
        lock (_starting)
        {
            _state ??= StartAsync().GetAwaiter().GetResult();
            return _state;
        }

        async Task<State> StartAsync()
        {
            await RefreshAsync(CancellationToken.None);
            return await RotateAsync(time.GetUtcNow() + WriteTtl, CancellationToken.None);
        }
    }

    public override void RequireWritable()
    {
        var state = Current();
        if (time.GetUtcNow() > state.Until)
            throw new StoreSealedException(string.Create(CultureInfo.InvariantCulture, $"encryptedDEKSource with keyID hash \"{Hash(state.Sealed.KeyId)}\" expired at {state.Until:yyyy-MM-ddTHH:mm:ssZ} (current time is {time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ})"));
    }

    public override bool IsStale(ReadOnlySpan<byte> stored) => WireFields.Parse(Body(stored)).Text(2) != _keyId;

    protected override byte[] Encrypt(byte[] key, ReadOnlySpan<byte> plain)
    {
        var state = Current();
        var data = new byte[InfoBytes + NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(data.AsSpan(0, InfoBytes + NonceBytes));
        using (var aes = Derive(state.Seed, data.AsSpan(0, InfoBytes)))
            aes.Encrypt(data.AsSpan(InfoBytes, NonceBytes), plain, data.AsSpan(InfoBytes + NonceBytes, plain.Length), data.AsSpan(^TagBytes..), key);
        Count("to_storage", state.Sealed.KeyId);
        return new WireFields().Add(1, data).Add(2, state.Sealed.KeyId).Add(3, state.Sealed.Ciphertext).AddAll(4, state.Sealed.Annotations).Add(5, SeedType).Encode();
    }

    protected override byte[] Decrypt(byte[] key, ReadOnlySpan<byte> sealedBytes)
    {
        var fields = WireFields.Parse(sealedBytes);
        if (fields.Value(5) != SeedType)
            throw new CryptographicException("unknown encryptedDEKSourceType");
        var data = fields.Bytes(1);
        if (data.Length < InfoBytes + NonceBytes + TagBytes)
            throw new CryptographicException("the stored data was shorter than the required size");
        var plain = new byte[data.Length - InfoBytes - NonceBytes - TagBytes];
        using (var aes = Derive(SeedOf(new KmsSealed(fields.Bytes(3), fields.Text(2), fields.All(4))), data.AsSpan(0, InfoBytes)))
            aes.Decrypt(data.AsSpan(InfoBytes, NonceBytes), data.AsSpan(InfoBytes + NonceBytes, plain.Length), data.AsSpan(^TagBytes..), plain, key);
        Count("from_storage", fields.Text(2));
        return plain;
    }

    /// <summary>A seed is asked for once. The first one of the plugin's present key goes on being used: each start would make one more else.</summary>
    private byte[] SeedOf(KmsSealed value)
    {
        if (_seeds.TryGetValue(Convert.ToHexString(SHA256.HashData(value.Ciphertext)), out var known))
            return known;
        lock (_starting)
        {
            if (_keyId is null)
                RefreshAsync(CancellationToken.None).GetAwaiter().GetResult();
            var seed = plugin.DecryptAsync(value, CancellationToken.None).GetAwaiter().GetResult();
            if (seed.Length != SeedBytes)
                throw new CryptographicException($"the seed has {seed.Length} bytes");
            Keep(value, seed);
            if (_state is null && value.KeyId == _keyId)
                _state = new State(seed, value, time.GetUtcNow() + WriteTtl);
            return seed;
        }
    }

    private void Keep(KmsSealed value, byte[] seed)
    {
        if (_seeds.Count >= SeedsMax)
            _seeds.Clear();
        _seeds[Convert.ToHexString(SHA256.HashData(value.Ciphertext))] = seed;
    }

    private static AesGcm Derive(byte[] seed, ReadOnlySpan<byte> info)
    {
        Span<byte> key = stackalloc byte[32];
        HKDF.Expand(HashAlgorithmName.SHA256, seed, key, info);
        return new AesGcm(key, TagBytes);
    }

    private static string Hash(string keyId) => keyId.Length == 0 ? "" : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(keyId)));

    private void Count(string type, string keyId)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var key = (type, Hash(keyId));
        if (_used.Count < SeedsMax || _used.ContainsKey(key))
            _used.AddOrUpdate(key, (1, now), (_, old) => (old.Count + 1, now));
    }

    /// <summary>By "to_storage" or "from_storage" and key.</summary>
    public IEnumerable<(string Type, string KeyHash, long Count, long LastSeconds)> Uses => _used.Select(u => (u.Key.Type, u.Key.KeyHash, u.Value.Count, u.Value.Last));

    public int SeedsKnown => _seeds.Count;

    /// <summary>Latencies of the plugin's calls.</summary>
    public void WriteCalls(StringBuilder text) => (plugin as KmsClient)?.WriteFigures(text);

    public override void Dispose() => (plugin as IDisposable)?.Dispose();
}

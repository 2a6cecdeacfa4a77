using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Schema;
using Timonier.ApiServer.Encryption;
using Timonier.ApiServer.Encryption.Kms;
using Timonier.ApiServer.Tests.Authentication;
using Timonier.Store;

namespace Timonier.ApiServer.Tests.Encryption;

/// <summary>A plugin behind a real socket, as it should be and as it should not.</summary>
public sealed class KmsTests : IAsyncLifetime
{
    private const string Key = "secrets/default/a", Other = "secrets/default/b";
    private static readonly ApiSchema Schema = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("timonier-kms-").FullName;
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 8, 0, 0, TimeSpan.Zero));
    private readonly FakeKms _kms;

    public KmsTests() => _kms = new FakeKms(Path.Combine(_folder, "kms.sock"));

    public Task InitializeAsync() => _kms.StartAsync();

    public async Task DisposeAsync()
    {
        await _kms.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Config(string timeout = "30s") =>
        $"{{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{{resources: [secrets], providers: [{{kms: {{apiVersion: v2, name: vault, timeout: {timeout}, endpoint: 'unix://{_kms.Socket}'}}}}]}}]}}";

    private ValueEncryption Encryption(string? config = null) => EncryptionConfiguration.Parse(config ?? Config(), Schema, _time);

    private EncryptionUpkeep Upkeep(ValueEncryption encryption, string? path = null) => new(encryption, path, Schema, _time, NullLogger<EncryptionUpkeep>.Instance);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private EmbeddedStore Open(ValueEncryption encryption) => EmbeddedStore.Open(new StoreOptions { Directory = Path.Combine(_folder, "store"), Transformer = encryption }, TimeProvider.System);

    private bool OnDisk(string text) =>
        Directory.EnumerateFiles(Path.Combine(_folder, "store")).Any(f => File.ReadAllBytes(f).AsSpan().IndexOf(Bytes(text)) >= 0);

    [Fact]
    public async Task Values_AreSealedAndComeBackAfterAStart_WithOneSeedForAll()
    {
        await using (var store = Open(Encryption()))
        {
            for (var i = 0; i < 20; i++)
                await store.TxnAsync(TxnRequest.Create($"secrets/default/s{i}", Bytes("plain-text-here")));
        }
        Assert.Equal((1, 0), (_kms.Calls["Encrypt"], _kms.Calls["Decrypt"]));
        Assert.False(OnDisk("plain-text-here"));
        Assert.True(OnDisk("k8s:enc:kms:v2:vault:"));
        await using var again = Open(Encryption());
        Assert.True(again.Current.TryGet("secrets/default/s7", out var entry));
        Assert.Equal("plain-text-here", Encoding.UTF8.GetString(entry!.Value.Span));
        await again.TxnAsync(TxnRequest.Create(Key, Bytes("more")));
        // The seed that is there goes on being used.
        Assert.Equal((1, 1), (_kms.Calls["Encrypt"], _kms.Calls["Decrypt"]));
    }

    [Fact]
    public void ValueMovedToAnotherObject_DoesNotOpen()
    {
        var encryption = Encryption();
        var stored = encryption.ToDisk(Key, Bytes("x"));
        Assert.Equal("x", Encoding.UTF8.GetString(encryption.FromDisk(Key, stored, out var stale)));
        Assert.False(stale);
        Assert.Throws<StoreSealedException>(() => encryption.FromDisk(Other, stored, out _));
        stored[^40] ^= 1;
        Assert.Throws<StoreSealedException>(() => encryption.FromDisk(Key, stored, out _));
    }

    [Fact]
    public async Task NewKeyOfThePlugin_IsTakenIntoUseAndOldValuesAreRewrittenByTheNextStart()
    {
        var encryption = Encryption();
        var upkeep = Upkeep(encryption);
        await using (var store = Open(encryption))
        {
            await store.TxnAsync(TxnRequest.Create(Key, Bytes("old")));
            _kms.KeyId = "2";
            _time.Now += TimeSpan.FromMinutes(2);
            foreach (var plugin in encryption.Plugins)
                await plugin.PollAsync(default);
            await store.TxnAsync(TxnRequest.Create(Other, Bytes("new")));
        }
        Assert.True(upkeep.Healthy);
        Assert.Equal(2, _kms.Calls["Encrypt"]);
        var old = encryption.Plugins.Single().Uses.Select(u => (u.Type, u.Count)).Order().ToList();
        Assert.Equal([("to_storage", 1L), ("to_storage", 1L)], old);
        var next = Encryption();
        await using (var store = Open(next))
        {
            // Rewritten: all is under the new key now.
        }
        await using var last = Open(Encryption());
        Assert.True(last.Current.TryGet(Key, out var entry));
        Assert.Equal("old", Encoding.UTF8.GetString(entry!.Value.Span));
        var stored = next.ToDisk(Key, Bytes("x"));
        next.FromDisk(Key, stored, out var stale);
        Assert.False(stale);
    }

    [Fact]
    public async Task PluginThatDies_LeavesReadsAndEndsWritesAfterThreeMinutes()
    {
        var encryption = Encryption();
        var stored = encryption.ToDisk(Key, Bytes("x"));
        await encryption.Plugins.Single().PollAsync(default);
        await _kms.StopAsync();
        _time.Now += TimeSpan.FromMinutes(2);
        await encryption.Plugins.Single().PollAsync(default);
        Assert.False(Upkeep(encryption).Healthy);
        Assert.StartsWith("kms provider \"vault\": Status: rpc error: code = Unavailable", encryption.Plugins.Single().Fault, StringComparison.Ordinal);
        encryption.RequireWritable(Key);
        _time.Now += TimeSpan.FromMinutes(1.5);
        Assert.StartsWith("encryptedDEKSource with keyID hash \"sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\" expired at 2026-11-21T08:03:00Z",
            Assert.Throws<StoreSealedException>(() => encryption.RequireWritable(Key)).Message, StringComparison.Ordinal);
        encryption.RequireWritable("configmaps/default/a");
        Assert.Equal("x", Encoding.UTF8.GetString(encryption.FromDisk(Key, stored, out _)));
        await _kms.StartAsync();
        _time.Now += TimeSpan.FromSeconds(11);
        await encryption.Plugins.Single().PollAsync(default);
        Assert.True(Upkeep(encryption).Healthy);
        encryption.RequireWritable(Key);
    }

    [Fact]
    public async Task WriteThatCanNotBeSealed_IsRefusedAndNothingElse()
    {
        var encryption = Encryption();
        await using var store = Open(encryption);
        await store.TxnAsync(TxnRequest.Create(Key, Bytes("x")));
        _time.Now += TimeSpan.FromMinutes(4);
        await Assert.ThrowsAsync<StoreSealedException>(() => store.TxnAsync(TxnRequest.Create(Other, Bytes("y"))).AsTask());
        await store.TxnAsync(TxnRequest.Create("configmaps/default/a", Bytes("y")));
        await store.TxnAsync(TxnRequest.Delete(Key, 2));
    }

    [Theory]
    [InlineData(13, "key is broken", "kms provider \"vault\": Status: rpc error: code = Internal desc = key is broken")]
    [InlineData(-1, "", "kms provider \"vault\": Status: rpc error: code = DeadlineExceeded desc = context deadline exceeded")]
    [InlineData(-2, "", "kms provider \"vault\": Status: rpc error: code = Internal desc = malformed gRPC message")]
    public void PluginThatFailsAtTheStart_RefusesItByName(int code, string text, string message)
    {
        var stored = Encryption().ToDisk(Key, Bytes("x"));
        _kms.Fails = (code, text);
        // The limit of a call is real time.
        var encryption = EncryptionConfiguration.Parse(Config(code == -1 ? "300ms" : "30s"), Schema, TimeProvider.System);
        Assert.Equal(message, Assert.Throws<KmsException>(() => encryption.ToDisk(Key, Bytes("x"))).Message);
        Assert.Contains(message, Assert.Throws<StoreSealedException>(() => encryption.FromDisk(Key, stored, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PluginThatIsUnwell_IsTold()
    {
        var encryption = Encryption();
        _kms.Healthz = "vault is sealed";
        await encryption.Plugins.Single().PollAsync(default);
        Assert.Equal("kms provider \"vault\": got unexpected healthz status: vault is sealed", encryption.Plugins.Single().Fault);
    }

    [Fact]
    public async Task ConfigurationThatChanges_IsTakenIntoUse_AndOneThatIsWrongIsNot()
    {
        var path = Path.Combine(_folder, "encryption.yaml");
        const string Plain = "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{secretbox: {keys: [{name: one, secret: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}]}}]}]}";
        await File.WriteAllTextAsync(path, Plain);
        var encryption = Encryption(Plain);
        var upkeep = Upkeep(encryption, path);
        var before = encryption.ToDisk(Key, Bytes("x"));
        await File.WriteAllTextAsync(path, Config());
        await upkeep.ReloadAsync(default);
        Assert.StartsWith("k8s:enc:kms:v2:vault:", Encoding.UTF8.GetString(encryption.ToDisk(Key, Bytes("x"))), StringComparison.Ordinal);
        Assert.Equal("x", Encoding.UTF8.GetString(encryption.FromDisk(Key, before, out var stale)));
        Assert.True(stale);
        await File.WriteAllTextAsync(path, "nonsense");
        await upkeep.ReloadAsync(default);
        Assert.StartsWith("k8s:enc:kms:v2:vault:", Encoding.UTF8.GetString(encryption.ToDisk(Key, Bytes("x"))), StringComparison.Ordinal);
        var text = new StringBuilder();
        upkeep.WriteMetrics(text);
        Assert.Contains("automatic_reloads_total{status=\"success\"} 1\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("automatic_reloads_total{status=\"failure\"} 1\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("apiserver_envelope_encryption_key_id_hash_total{key_id_hash=\"sha256:6b86b273", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("method_name=\"/v2.KeyManagementService/Status\",provider_name=\"vault\",le=\"+Inf\"", text.ToString(), StringComparison.Ordinal);
    }
}

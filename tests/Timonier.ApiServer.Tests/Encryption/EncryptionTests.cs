using System.Text;
using Timonier.Api.Schema;
using Timonier.ApiServer.Encryption;
using Timonier.Store;

namespace Timonier.ApiServer.Tests.Encryption;

/// <summary>What is on the disk, and what comes back from it.</summary>
public sealed class EncryptionTests : IDisposable
{
    private const string Key = "secrets/default/a";
    private const string Plain = "{\"data\":{\"password\":\"plain-text-here\"}}";
    private const string One = "aesgcm: {keys: [{name: one, secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}";
    private const string Two = "aescbc: {keys: [{name: two, secret: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}]}";
    private const string Box = "secretbox: {keys: [{name: three, secret: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}]}";
    private const string Identity = "identity: {}";

    private static readonly ApiSchema Schema = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("timonier-encryption-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(One, "k8s:enc:aesgcm:v1:one:")]
    [InlineData(Two, "k8s:enc:aescbc:v1:two:")]
    [InlineData(Box, "k8s:enc:secretbox:v1:three:")]
    public async Task WrittenSecret_IsNowhereInTheFiles(string provider, string prefix)
    {
        await WriteAsync(Config("secrets", provider), Key, Plain);
        Assert.False(OnDisk("plain-text-here"));
        Assert.True(OnDisk(prefix));
        Assert.Equal(Plain, await ReadAsync(Config("secrets", provider), Key));
    }

    [Fact]
    public async Task OtherResources_AreAsTheyAre()
    {
        await WriteAsync(Config("secrets", One), "configmaps/default/a", Plain);
        Assert.True(OnDisk("plain-text-here"));
    }

    [Fact]
    public async Task PlainSecret_IsEncryptedByTheNextStart()
    {
        await WriteAsync(null, Key, Plain);
        Assert.True(OnDisk("plain-text-here"));
        Assert.Equal(Plain, await ReadAsync(Config("secrets", One, Identity), Key));
        Assert.False(OnDisk("plain-text-here"));
        Assert.Equal(Plain, await ReadAsync(Config("secrets", One), Key));
    }

    [Fact]
    public async Task NewFirstKey_RewritesWhatTheOldOneWrote_SoThatItMayGo()
    {
        await WriteAsync(Config("secrets", One), Key, Plain);
        Assert.Equal(Plain, await ReadAsync(Config("secrets", Two, One), Key));
        Assert.False(OnDisk("k8s:enc:aesgcm:v1:one:"));
        Assert.Equal(Plain, await ReadAsync(Config("secrets", Two), Key));
    }

    [Fact]
    public async Task IdentityFirst_DecryptsAll()
    {
        await WriteAsync(Config("secrets", One), Key, Plain);
        Assert.Equal(Plain, await ReadAsync(Config("secrets", Identity, One), Key));
        Assert.True(OnDisk("plain-text-here"));
        Assert.Equal(Plain, await ReadAsync(Config("secrets", Identity), Key));
    }

    [Theory]
    [InlineData("secrets", Two, "encrypted with k8s:enc:aesgcm:v1:one:")]
    [InlineData("secrets", "aesgcm: {keys: [{name: one, secret: YWFhYWFhYWFhYWFhYWFhYQ==}]}", "message authentication failed")]
    [InlineData("configmaps", One, "encrypted with k8s:enc:aesgcm:v1:one:")]
    public async Task WrongOrMissingKey_NamesTheResourceAndLosesNothing(string resource, string provider, string message)
    {
        await WriteAsync(Config("secrets", One), Key, Plain);
        var refused = await Assert.ThrowsAsync<StoreSealedException>(() => ReadAsync(Config(resource, provider), Key));
        Assert.StartsWith(Key + ": ", refused.Message);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.Equal(Plain, await ReadAsync(Config("secrets", One), Key));
    }

    [Fact]
    public void ValueMovedToAnotherObject_DoesNotOpen()
    {
        var encryption = EncryptionConfiguration.Parse(Config("secrets", One), Schema);
        var stored = encryption.ToDisk(Key, Encoding.UTF8.GetBytes(Plain));
        Assert.Throws<StoreSealedException>(() => encryption.FromDisk("secrets/default/b", stored, out _));
    }

    [Fact]
    public async Task PastRevisions_AreReadFromEncryptedHistory()
    {
        await using var store = Open(Config("secrets", One), historyMemory: 0);
        await store.TxnAsync(TxnRequest.Update(Key, Encoding.UTF8.GetBytes(Plain), 0));
        var revision = store.Revision;
        await store.TxnAsync(TxnRequest.Update(Key, "{}"u8.ToArray(), revision));
        Assert.Equal(Plain, Encoding.UTF8.GetString((await store.GetAsync(Key, revision))!.Value.Span));
    }

    [Theory]
    [InlineData("*.*", "example.com/widgets/default/a", true)]
    [InlineData("*.apps", "deployments/default/a", true)]
    [InlineData("*.example.com", "example.com/widgets/default/a", true)]
    [InlineData("widgets.example.com", "example.com/widgets/default/a", true)]
    [InlineData("widgets.example.com", "example.com/gadgets/default/a", false)]
    [InlineData("*.", "configmaps/default/a", true)]
    public void ResourceNames_MeanTheirObjects(string resources, string key, bool encrypted)
    {
        var stored = EncryptionConfiguration.Parse(Config(resources, One), Schema).ToDisk(key, Encoding.UTF8.GetBytes(Plain));
        Assert.Equal(encrypted, Encoding.UTF8.GetString(stored).StartsWith("k8s:enc:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("kind: Pod", "an EncryptionConfiguration of apiserver.config.k8s.io/v1 is wanted")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{foo: {keys: [{name: a, secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}}]}]}", "foo is not supported")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {name: a, endpoint: 'unix:///tmp/x'}}]}]}", "KMSv1 is deprecated")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2, name: a, endpoint: 'https://x'}}]}]}", "only unix supported")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2, name: a, timeout: 0s, endpoint: 'unix:///tmp/x'}}]}]}", "timeout should be a positive value")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{secretbox: {keys: [{name: a, secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}}]}]}", "got 16, expected one of [32]")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: aGFsbG8=}]}}]}]}", "secret is not of the expected length, got 5")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {keys: []}}]}]}", "at least one key must be specified")]
    [InlineData("{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [sekrets], providers: [{identity: {}}]}]}", "there is no resource sekrets")]
    public void WrongConfiguration_IsRefused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => EncryptionConfiguration.Parse(text, Schema)).Message, StringComparison.Ordinal);

    [Fact]
    public void GeneratedConfiguration_IsForItsOwnerAloneAndIsKept()
    {
        var path = Path.Combine(_folder, "encryption.yaml");
        var text = EncryptionConfiguration.LoadOrGenerate(path);
        Assert.Equal(text, EncryptionConfiguration.LoadOrGenerate(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.StartsWith("k8s:enc:aesgcm:v1:key1:", Encoding.UTF8.GetString(EncryptionConfiguration.Parse(text, Schema).ToDisk(Key, "{}"u8.ToArray())));
    }

    private static string Config(string resource, params string[] providers) =>
        $"{{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{{resources: [\"{resource}\"], providers: [{string.Join(", ", providers.Select(p => $"{{{p}}}"))}]}}]}}";

    private EmbeddedStore Open(string? config, long historyMemory = 1 << 20) => EmbeddedStore.Open(
        new StoreOptions { Directory = Path.Combine(_folder, "store"), HistoryMemoryBytesMax = historyMemory, Transformer = config is null ? null : EncryptionConfiguration.Parse(config, Schema) }, TimeProvider.System);

    private async Task WriteAsync(string? config, string key, string value)
    {
        await using var store = Open(config);
        await store.TxnAsync(TxnRequest.Update(key, Encoding.UTF8.GetBytes(value), 0));
    }

    private async Task<string?> ReadAsync(string? config, string key)
    {
        await using var store = Open(config);
        return store.Current.TryGet(key, out var entry) ? Encoding.UTF8.GetString(entry.Value.Span) : null;
    }

    private bool OnDisk(string text) =>
        Directory.EnumerateFiles(Path.Combine(_folder, "store")).Any(f => File.ReadAllBytes(f).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);
}

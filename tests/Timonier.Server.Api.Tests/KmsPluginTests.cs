using System.Text;
using Timonier.ApiServer.Tests.Encryption;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>Secrets sealed by a KMS plugin, on the real program.</summary>
public sealed class KmsPluginTests : IAsyncLifetime
{
    // A path of a unix socket is at most 107 bytes.
    private readonly string _folder = Directory.CreateTempSubdirectory("kms-").FullName;
    private readonly FakeKms _kms;

    public KmsPluginTests() => _kms = new FakeKms(Path.Combine(_folder, "s"));

    public Task InitializeAsync() => _kms.StartAsync();

    public async Task DisposeAsync()
    {
        await _kms.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool OnDisk(string data, string text) =>
        Directory.EnumerateFiles(data, "store.db*", SearchOption.AllDirectories).Any(f => File.ReadAllBytes(f).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    [Fact]
    public async Task Secrets_AreSealedAndSurvive_AndADeadPluginIsNamed()
    {
        await using var server = await TimonierServer.StartAsync(async data =>
        {
            var config = Path.Combine(data, "sealing.yaml");
            await File.WriteAllTextAsync(config, $"{{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{{resources: [secrets], providers: [{{kms: {{apiVersion: v2, name: vault, timeout: 20s, endpoint: 'unix://{_kms.Socket}'}}}}]}}]}}");
            return ["--no-node", "--encryption-provider-config", config];
        });
        Assert.Equal(0, (await server.KubectlAsync("create", "secret", "generic", "s", "--from-literal=k=plain-text-here")).ExitCode);
        Assert.Contains("[+]kms-providers ok", (await server.KubectlAsync("get", "--raw", "/readyz?verbose")).Output, StringComparison.Ordinal);
        Assert.Contains("apiserver_envelope_encryption_key_id_hash_total{key_id_hash=\"sha256:6b86b273", (await server.KubectlAsync("get", "--raw", "/metrics")).Output, StringComparison.Ordinal);
        await server.KillAsync();
        Assert.True(OnDisk(server.DataDirectory, "k8s:enc:kms:v2:vault:"));
        Assert.False(OnDisk(server.DataDirectory, Convert.ToBase64String("plain-text-here"u8)));
        await server.LaunchAsync();
        Assert.Equal(Convert.ToBase64String("plain-text-here"u8), (await server.KubectlAsync("get", "secret", "s", "-o", "jsonpath={.data.k}")).Output);
        await server.KillAsync();
        await _kms.StopAsync();
        Assert.Contains("kms provider \"vault\": Status: rpc error: code = Unavailable", (await Assert.ThrowsAsync<InvalidOperationException>(server.LaunchAsync)).Message, StringComparison.Ordinal);
    }
}

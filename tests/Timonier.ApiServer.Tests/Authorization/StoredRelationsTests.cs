using Timonier.Api.Schema;
using Timonier.ApiServer.Authorization.Nodes;

namespace Timonier.ApiServer.Tests.Authorization;

/// <summary>The node authorizer's graph behind a real server: what was acknowledged counts at the next question.</summary>
public sealed class StoredRelationsTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static string Pod(string name, string node, string secret) =>
        $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"nodeName":"{{{node}}}","terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i","envFrom":[{"secretRef":{"name":"{{{secret}}}"}}]}]}}""";

    private static async Task<bool> KnowsAsync(StoredRelations relations, string node, string secret)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        return await relations.RelatesAsync(node, ReferenceKind.Secret, "default", secret, limit.Token);
    }

    [Fact]
    public async Task Writes_CountAtTheNextQuestion()
    {
        await using var server = await TestServer.StartAsync();
        await using var relations = new StoredRelations(new ApiSchema(), server.Store);
        await server.OkAsync("POST", Pods, Pod("before", "n1", "old"));
        Assert.True(await KnowsAsync(relations, "n1", "old"));
        Assert.False(await KnowsAsync(relations, "n1", "new"));
        for (var i = 0; i < 20; i++)
        {
            await server.OkAsync("POST", Pods, Pod("p" + i, "n1", "s" + i));
            Assert.True(await KnowsAsync(relations, "n1", "s" + i));
            Assert.False(await KnowsAsync(relations, "n2", "s" + i));
            await server.OkAsync("DELETE", $"{Pods}/p{i}?gracePeriodSeconds=0");
            Assert.False(await KnowsAsync(relations, "n1", "s" + i));
        }
    }

    [Fact]
    public async Task BoundLater_CountsFromThen()
    {
        await using var server = await TestServer.StartAsync();
        await using var relations = new StoredRelations(new ApiSchema(), server.Store);
        await server.OkAsync("POST", Pods, Pod("p", "", "s"));
        Assert.False(await KnowsAsync(relations, "n1", "s"));
        await server.OkAsync("POST", Pods + "/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""");
        Assert.True(await KnowsAsync(relations, "n1", "s"));
    }

    [Fact]
    public async Task VolumeThatIsBound_LeadsToItsSecret()
    {
        await using var server = await TestServer.StartAsync();
        await using var relations = new StoredRelations(new ApiSchema(), server.Store);
        await server.OkAsync("POST", Pods, """{"metadata":{"name":"p"},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}}""");
        const string Volumes = "/api/v1/persistentvolumes";
        const string Volume = """{"metadata":{"name":"pv"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"csi":{"driver":"d","volumeHandle":"h","nodeStageSecretRef":{"name":"stage","namespace":"default"}}CLAIM}}""";
        await server.OkAsync("POST", Volumes, Volume.Replace("CLAIM", "", StringComparison.Ordinal));
        Assert.False(await KnowsAsync(relations, "n1", "stage"));
        await server.OkAsync("PUT", Volumes + "/pv", Volume.Replace("CLAIM", ",\"claimRef\":{\"namespace\":\"default\",\"name\":\"c\"}", StringComparison.Ordinal));
        Assert.True(await KnowsAsync(relations, "n1", "stage"));
        await server.OkAsync("DELETE", Volumes + "/pv");
        Assert.False(await KnowsAsync(relations, "n1", "stage"));
    }
}

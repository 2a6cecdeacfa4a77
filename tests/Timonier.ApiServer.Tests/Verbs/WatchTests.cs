using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Verbs;

public class WatchTests
{
    /// <summary>Upstream: "client-go should negotiate watch and report errors with accept ...": the answer is 200, the error an event.</summary>
    [Fact]
    public async Task RevisionWhoseHistoryIsGone_IsToldAsAnEvent()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 5; i++)
            await server.OkAsync("POST", "/api/v1/namespaces/default/configmaps", $$$"""{"metadata":{"name":"m{{{i}}}"}}""");
        await server.Store.CompactAsync(server.Store.Revision);
        await foreach (var change in server.WatchAsync("/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=1"))
        {
            Assert.Equal(("ERROR", "Status", 410L, "Expired"), (change.GetString("type"), change.GetPath("object", "kind"), change.GetPath("object", "code"), change.GetPath("object", "reason")));
            return;
        }
        Assert.Fail("the watch said nothing");
    }
}

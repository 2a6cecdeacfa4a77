using Timonier.ApiServer.Admission;

namespace Timonier.ApiServer.Tests.Http;

public sealed class TimeoutTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Write_ThatTakesLongerThanItsTime_IsAnsweredWithTimeout()
    {
        await using var server = await TestServer.StartAsync(o => o with { Admission = new AdmissionChain([], [new Hanging()]) });
        var (code, status) = await server.SendAsync("POST", Maps + "?timeout=50ms", """{"metadata":{"name":"m"}}""");
        Assert.Equal((504, "Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded"), (code, status.GetString("reason"), status.GetString("message")));
        Assert.Equal(404, (await server.SendAsync("GET", Maps + "/m")).Code);
        Assert.Equal(400, (await server.SendAsync("POST", Maps + "?timeout=soon", """{"metadata":{"name":"m"}}""")).Code);
    }

    private sealed class Hanging : IValidatingAdmission
    {
        public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel) => await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
    }
}

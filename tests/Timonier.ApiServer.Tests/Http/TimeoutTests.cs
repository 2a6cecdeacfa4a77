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

    /// <summary>
    /// Stands for "Server request timeout should return HTTP status code 400 if the user specifies an invalid timeout in the request URL; default timeout should be
    /// used if the specified timeout in the request URL is 0s; ... exceeds maximum allowed".
    /// </summary>
    [Theory]
    [InlineData("invalid", 400)]
    [InlineData("0s", 200)]
    [InlineData("10h", 200)]
    [InlineData("-1s", 200)]
    public async Task TimeoutOfARead_IsADuration(string timeout, int code)
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(code, (await server.SendAsync("GET", $"{Maps}?timeout={timeout}")).Code);
    }

    private sealed class Hanging : IValidatingAdmission
    {
        public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel) => await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
    }
}

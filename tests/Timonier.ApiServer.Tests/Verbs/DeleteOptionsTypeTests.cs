namespace Timonier.ApiServer.Tests.Verbs;

public sealed class DeleteOptionsTypeTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Theory]
    [InlineData("DELETE", "/kept", """{"gracePeriodSeconds":"x"}""", "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64")]
    [InlineData("DELETE", "", """{"preconditions":[]}""", "json: cannot unmarshal array into Go struct field DeleteOptions.preconditions of type v1.Preconditions")]
    public async Task OptionOfAnotherType_IsRefused_AndNothingDeleted(string method, string name, string body, string fault)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"kept"}}""");
        var (code, status) = await server.SendAsync(method, Maps + name, body);
        Assert.Equal((400, $"DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: {fault}"), (code, status.GetString("message")));
        await server.OkAsync("GET", Maps + "/kept");
    }

    [Fact]
    public async Task ZeroAndFalse_AreSaid()
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", "/api/v1/namespaces/default/pods", """{"metadata":{"name":"now"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}""");
        await server.OkAsync("DELETE", "/api/v1/namespaces/default/pods/now", """{"gracePeriodSeconds":0,"orphanDependents":false}""");
        Assert.Equal(404, (await server.SendAsync("GET", "/api/v1/namespaces/default/pods/now")).Code);
    }
}

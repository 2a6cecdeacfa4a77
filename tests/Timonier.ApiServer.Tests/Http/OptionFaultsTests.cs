namespace Timonier.ApiServer.Tests.Http;

/// <summary>Options and bodies that upstream refuses, in its words.</summary>
public sealed class OptionFaultsTests
{
    private const string Maps = "/api/v1/namespaces/ns/configmaps";

    [Theory]
    [InlineData("POST", Maps + "?dryRun=x", """{"metadata":{"name":"b"}}""", "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"")]
    [InlineData("POST", Maps + "?fieldManager=a%00", """{"metadata":{"name":"b"}}""", "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\x00\": invalid character U+0000 (at position 1)")]
    [InlineData("PUT", Maps + "/a", "{}", "the name of the object (a based on URL) was undeterminable: name must be provided")]
    [InlineData("GET", Maps + "?continue=x", null, "invalid continue token: continue key is not valid: illegal base64 data at input byte 0")]
    [InlineData("GET", Maps + "?continue=ab$", null, "invalid continue token: continue key is not valid: illegal base64 data at input byte 2")]
    public async Task WrongOption_IsToldInUpstreamsWords(string method, string path, string? body, string message)
    {
        await using var server = await TestServer.StartAsync();
        await server.OkAsync("POST", Maps, """{"metadata":{"name":"a"}}""");

        var (_, status) = await server.SendAsync(method, path, body);

        Assert.Equal(message, status.GetString("message"));
    }
}

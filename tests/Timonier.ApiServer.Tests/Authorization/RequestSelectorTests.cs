using Timonier.ApiServer.Authorization;

namespace Timonier.ApiServer.Tests.Authorization;

/// <summary>What authorizers learn of the selectors of real requests.</summary>
public sealed class RequestSelectorTests
{
    private sealed class Recorder : IAuthorizer
    {
        public string Seen { get; private set; } = "";

        public ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default)
        {
            Seen = $"{attributes.Verb} {attributes.Name} " + (attributes.Selectors is { } s ? string.Join(',', s.Fields.Select(f => f.Field + (f.Equal ? "=" : "!=") + f.Value).Concat(s.Labels.Select(l => $"{l.Key} {l.Operator}"))) : "none");
            return new(attributes.Resource == "secrets" ? new Verdict(Decision.NoOpinion, "", "no way there") : new Verdict(Decision.Allow));
        }
    }

    [Theory]
    [InlineData("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&labelSelector=a", "list  spec.nodeName=n1,a Exists")]
    [InlineData("GET", "/api/v1/pods?watch=1&timeoutSeconds=1&fieldSelector=spec.nodeName%21%3Dn1", "watch  spec.nodeName!=n1")]
    [InlineData("GET", "/api/v1/watch/pods?timeoutSeconds=1&fieldSelector=spec.nodeName%3Dn1", "watch  none")]
    [InlineData("DELETE", "/api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Dp", "deletecollection  metadata.name=p")]
    [InlineData("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", "list p metadata.name=p")]
    [InlineData("GET", "/api/v1/namespaces/default/pods/p?fieldSelector=a%3Db", "get p none")]
    [InlineData("GET", "/api/v1/pods?fieldSelector=nonsense", "list  ")]
    [InlineData("GET", "/api/v1/pods", "list  none")]
    public async Task Request_BringsItsSelectors(string method, string path, string seen)
    {
        var recorder = new Recorder();
        await using var server = await TestServer.StartAsync(o => o with { Authorizer = recorder });
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await server.Http.SendAsync(request);
        Assert.Equal(seen, recorder.Seen);
    }

    [Fact]
    public async Task AuthorizerThatFailed_IsAFaultOfTheServer()
    {
        await using var server = await TestServer.StartAsync(o => o with { Authorizer = new Recorder() });
        var (code, body) = await server.SendAsync("GET", "/api/v1/secrets");
        Assert.Equal((500, "Internal Server Error: \"/api/v1/secrets\": no way there"), (code, body.GetString("message")));
    }
}

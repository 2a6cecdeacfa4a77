using System.Net;
using Timonier.ApiServer.Content;

namespace Timonier.ApiServer.Tests.Http;

/// <summary>What upstream's router says, recorded from kube-apiserver 1.20.2 except for the words of 406, which are newer.</summary>
public sealed class RoutesTests
{
    private const string NotFound = "the server could not find the requested resource";
    private const string NotAllowed = "the server does not allow this method on the requested resource";

    [Theory]
    [InlineData("POST", "/api/v1/namespaces/ns/configmaps/a", 405, NotAllowed)]
    [InlineData("PUT", "/api/v1/namespaces/ns/configmaps", 405, NotAllowed)]
    [InlineData("POST", "/api/v1/configmaps", 405, NotAllowed)]
    [InlineData("OPTIONS", "/api/v1/nodes", 405, NotAllowed)]
    [InlineData("PUT", "/api/v1/watch/namespaces", 405, NotAllowed)]
    [InlineData("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405, NotAllowed)]
    [InlineData("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x", 404, NotFound)]
    [InlineData("GET", "/api/v1/namespaces/ns/serviceaccounts/x/token", 405, NotAllowed)]
    [InlineData("GET", "/api/v1/namespaces/ns/finalize", 405, NotAllowed)]
    [InlineData("GET", "/api/v1/namespaces/ns/nodes", 404, NotFound)]
    [InlineData("GET", "/api/v1/configmaps/a", 404, NotFound)]
    [InlineData("GET", "/api/v1/namespaces/ns/configmaps/a/status", 404, NotFound)]
    [InlineData("GET", "/api/v1/proxy/nodes", 404, NotFound)]
    [InlineData("GET", "/api/v2/pods", 404, NotFound)]
    [InlineData("GET", "/apis/apps/v9/x", 404, NotFound)]
    [InlineData("PATCH", "/api/v1/namespaces/ns/configmaps/a", 406, "406: Not Acceptable\n\nAvailable representations: ")]
    [InlineData("GET", "/apis/nope/v1/x", 404, "404 page not found\n")]
    [InlineData("GET", "/nope", 404, "404 page not found\n")]
    public async Task Path_AnswersAsUpstreamsRouter(string method, string path, int code, string message)
    {
        await using var server = await TestServer.StartAsync();

        var (was, body) = await server.SendAsync(method, path);

        Assert.Equal((code, message), (was, body.GetString("message")));
        Assert.Equal(message.StartsWith("404 page", StringComparison.Ordinal), body.GetMap("details") is null);
    }

    [Theory]
    [InlineData("text/html", "application/json", "{\n  \"kind\": \"Status\"")]
    [InlineData("application/yaml", "application/yaml", "apiVersion: v1\ncode: 404")]
    [InlineData("application/json", "application/json", "{\"kind\":\"Status\"")]
    [InlineData("application/json;as=Table;g=meta.k8s.io;v=v1,application/json", "application/json", "{\"kind\":\"Status\"")]
    [InlineData("application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf", "k8s\0")]
    public async Task Failure_IsWrittenAsTheClientAsked(string accept, string type, string start)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/namespaces/nope");
        request.Headers.TryAddWithoutValidation("Accept", accept);

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith(start, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(Responder.NoCache, response.Headers.GetValues("Cache-Control").Single().Replace("private, no-cache", Responder.NoCache, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)")]
    [InlineData("{nope", "couldn't get version/kind; json parse error: invalid character 'n' looking for beginning of object key string ({nope)")]
    [InlineData("[]", "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" } (5b5d)")]
    [InlineData("""{"apiVersion":"a/b/c"}""", """unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})""")]
    [InlineData("""{"kind":5}""", """couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})""")]
    public async Task BodyThatIsNoObject_IsToldInGosWords(string body, string why)
    {
        await using var server = await TestServer.StartAsync();

        var (code, status) = await server.SendAsync("POST", "/api/v1/namespaces", body);

        Assert.Equal((400, "the object provided is unrecognized (must be of type Namespace): " + why), (code, status.GetString("message")));
    }

    [Theory]
    [InlineData("""{"kind":"Pod","apiVersion":"v1"}""", """Pod in version "v1" cannot be handled as a Namespace: converting (v1.Pod) to (core.Namespace): unknown conversion""")]
    [InlineData("""{"kind":"Nope","apiVersion":"v1"}""", "Nope in version \"v1\" cannot be handled as a Namespace: no kind \"Nope\" is registered for version \"v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")]
    public async Task BodyOfAnotherKind_IsToldInUpstreamsWords(string body, string message)
    {
        await using var server = await TestServer.StartAsync();

        Assert.Equal((400, message), await MessageAsync(server, body));
    }

    private static async Task<(int, string?)> MessageAsync(TestServer server, string body)
    {
        var (code, status) = await server.SendAsync("POST", "/api/v1/namespaces", body);
        return (code, status.GetString("message"));
    }
}

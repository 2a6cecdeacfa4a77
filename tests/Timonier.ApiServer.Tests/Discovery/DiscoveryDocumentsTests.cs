using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Discovery;

namespace Timonier.ApiServer.Tests.Discovery;

public class DiscoveryDocumentsTests
{
    private const string V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    private static readonly ApiSchema Schema = new();
    private static readonly DiscoveryDocuments Documents = new(ServedResources.Select(Schema, r => r.GroupVersion.Group == "extensions" || r.GroupVersion.Version == "v1beta1"), [], "10.0.0.1:6443");

    private static JsonMap Get(string path, string? accept = null, DiscoveryDocuments? documents = null) =>
        JsonParser.ParseMap((documents ?? Documents).Find(path, accept)!.Body.Span);

    [Fact]
    public void Api_ListsCoreVersion()
    {
        Assert.Equal("""{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"10.0.0.1:6443"}]}""",
            Encoding.UTF8.GetString(Documents.Find("/api", null)!.Body.Span));
    }

    [Fact]
    public void Apis_GroupsComeInUpstreamsOrder_RemovedGroupLast()
    {
        var groups = Get("/apis").GetList("groups")!.Cast<JsonMap>().Select(g => g.GetString("name")).ToList();
        Assert.Equal(["apiregistration.k8s.io", "apps", "events.k8s.io"], groups.Take(3));
        Assert.Equal("extensions", groups[^1]);
        Assert.DoesNotContain("", groups);
    }

    [Theory]
    [InlineData("apps", "v1", "v1,v1beta1")]
    [InlineData("autoscaling", "v2", "v2,v1")]
    [InlineData("policy", "v1", "v1,v1beta1")]
    public void Group_CurrentVersionIsPreferred_OldFollow(string group, string preferred, string versions)
    {
        var document = Get($"/apis/{group}/");
        Assert.Equal(preferred, document.GetMap("preferredVersion")!.GetString("version"));
        Assert.Equal(versions, string.Join(',', document.GetList("versions")!.Cast<JsonMap>().Select(v => v.GetString("version"))));
    }

    [Theory]
    [InlineData("/api/v1", "pods", """{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["po"],"categories":["all"],"storageVersionHash":"xPOwRZ+Yhw8="}""")]
    [InlineData("/api/v1", "pods/eviction", """{"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]}""")]
    [InlineData("/apis/apps/v1", "deployments/scale", """{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}""")]
    public void ResourceList_EntryIsUpstreams(string path, string name, string expected)
    {
        var entry = Get(path).GetList("resources")!.Cast<JsonMap>().Single(r => r.GetString("name") == name);
        Assert.Equal(expected, Encoding.UTF8.GetString(JsonEncoder.Encode(entry)));
    }

    [Fact]
    public void Aggregated_HasAllResourcesOfBothForms()
    {
        var answer = Documents.Find("/apis", V2 + ",application/json")!;
        Assert.Equal(V2, answer.ContentType);
        Assert.StartsWith("\"", answer.ETag);
        var apps = JsonParser.ParseMap(answer.Body.Span).GetList("items")!.Cast<JsonMap>().Single(g => (string?)g.GetPath("metadata", "name") == "apps");
        var deployments = (JsonMap)((JsonMap)apps.GetList("versions")![0]!).GetList("resources")!.Single(r => ((JsonMap)r!).GetString("resource") == "deployments")!;
        Assert.Equal(["scale", "status"], deployments.GetList("subresources")!.Select(s => ((JsonMap)s!).GetString("subresource")));
        Assert.Equal("apidiscovery.k8s.io/v2beta1", Get("/api", V2.Replace("v=v2", "v=v2beta1")).GetString("apiVersion"));
    }

    [Fact]
    public void RemovedVersions_HaveNoShortNames() =>
        Assert.DoesNotContain(Get("/apis/extensions/v1beta1").GetList("resources")!.Cast<JsonMap>(), r => r.ContainsKey("shortNames") || r.ContainsKey("categories"));

    [Theory]
    [InlineData("/apis/nothing")]
    [InlineData("/apis/apps/v9")]
    [InlineData("/apis/apps/v1/deployments")]
    [InlineData("/api/v2")]
    [InlineData("/version")]
    public void UnknownPath_IsNotOurs(string path) => Assert.Null(Documents.Find(path, null));

    [Fact]
    public void UnknownForm_IsNotAcceptable() => Assert.Equal(406, Assert.Throws<ApiException>(() => Documents.Find("/apis", "text/html")).Code);

    [Fact]
    public void RemoteGroup_IsListedByPriority_AndAggregatedFromItsOwnList()
    {
        var list = JsonParser.ParseMap("""{"resources":[{"name":"flunders","singularName":"flunder","namespaced":true,"kind":"Flunder","verbs":["get"]},{"name":"flunders/status","kind":"Flunder","verbs":["get"]}]}"""u8);
        var documents = new DiscoveryDocuments(Schema.Resources.Where(r => r.Served == ServedState.Default),
            [new RemoteGroupVersion(new("wardle.example.com", "v1alpha1"), 2000, 200, list), new RemoteGroupVersion(new("gone.example.com", "v1"), 3000, 100, null)], "");
        Assert.Equal(["gone.example.com", "wardle.example.com"], Get("/apis", null, documents).GetList("groups")!.Cast<JsonMap>().Select(g => g.GetString("name")).TakeLast(2));
        Assert.Null(documents.Find("/apis/wardle.example.com/v1alpha1", null));
        var items = Get("/apis", V2, documents).GetList("items")!.Cast<JsonMap>().TakeLast(2).Select(g => (JsonMap)g.GetList("versions")![0]!).ToList();
        Assert.Equal("Stale", items[0].GetString("freshness"));
        Assert.Equal("status", ((JsonMap)((JsonMap)items[1].GetList("resources")![0]!).GetList("subresources")![0]!).GetString("subresource"));
    }

    [Fact]
    public void Versions_AreOrderedAsKubernetesOrdersThem()
    {
        string[] expected = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
        Assert.Equal(expected, expected.Reverse().Order(Comparer<string>.Create(ApiVersionOrder.Compare)));
    }
}

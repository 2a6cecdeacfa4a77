using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Quota;

namespace Timonier.ApiServer.Tests.Quota;

public class QuotaRecountTests
{
    private static JsonMap Json(string text) => JsonParser.ParseMap(System.Text.Encoding.UTF8.GetBytes(text));

    private static Dictionary<string, Quantity> Amounts(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => t.Split('=')).ToDictionary(p => p[0], p => Quantity.Parse(p[1]));

    private static readonly Dictionary<string, IReadOnlyList<JsonMap>> Objects = new()
    {
        ["pods"] =
        [
            Json("""{"spec":{"containers":[{"resources":{"requests":{"cpu":"100m","memory":"1Gi"},"limits":{"cpu":"1"}}}]}}"""),
            Json("""{"spec":{"activeDeadlineSeconds":5,"containers":[{"resources":{"requests":{"cpu":"200m"}}}]},"status":{"phase":"Running"}}"""),
            Json("""{"spec":{"containers":[{"resources":{"requests":{"cpu":"9"}}}]},"status":{"phase":"Succeeded"}}"""),
        ],
        ["services"] = [Json("""{"spec":{"type":"NodePort","ports":[{},{}]}}"""), Json("""{"spec":{"type":"LoadBalancer","ports":[{}]}}""")],
        ["persistentvolumeclaims"] = [Json("""{"spec":{"storageClassName":"gold","resources":{"requests":{"storage":"3Gi"}}}}""")],
        ["configmaps"] = [[], []],
        ["deployments.apps"] = [[]],
    };

    [Theory]
    [InlineData("pods=5 requests.cpu=1 memory=2Gi limits.cpu=3", "", "pods=2 requests.cpu=300m memory=1Gi limits.cpu=1")]
    [InlineData("count/pods=5 count/deployments.apps=9 configmaps=1 count/widgets.example.com=4", "", "count/pods=3 count/deployments.apps=1 configmaps=2 count/widgets.example.com=0")]
    [InlineData("services=9 services.nodeports=9 services.loadbalancers=9", "", "services=2 services.nodeports=3 services.loadbalancers=1")]
    [InlineData("persistentvolumeclaims=1 requests.storage=9Gi gold.storageclass.storage.k8s.io/requests.storage=9Gi", "", "persistentvolumeclaims=1 requests.storage=3Gi gold.storageclass.storage.k8s.io/requests.storage=3Gi")]
    [InlineData("pods=5 configmaps=3", "Terminating", "pods=1 configmaps=0")]
    public void Usage_IsCountedByName(string hard, string scope, string wanted)
    {
        var quota = new ResourceQuota { Spec = new() { Hard = Amounts(hard), Scopes = scope.Length > 0 ? [scope] : [] } };
        var status = QuotaRecount.Decide(quota, Objects)!;
        Assert.True(QuotaRecount.Same(Amounts(wanted), status.Used), string.Join(' ', status.Used.Select(u => $"{u.Key}={u.Value}")));
        Assert.Null(QuotaRecount.Decide(quota with { Status = status }, Objects));
    }

    [Theory]
    [InlineData("count/deployments.apps", "deployments.apps")]
    [InlineData("secrets", "secrets")]
    [InlineData("services.nodeports", "services")]
    [InlineData("requests.storage", "persistentvolumeclaims")]
    [InlineData("gold.storageclass.storage.k8s.io/persistentvolumeclaims", "persistentvolumeclaims")]
    [InlineData("requests.nvidia.com/gpu", "pods")]
    [InlineData("limits.memory", "pods")]
    public void Name_SaysWhatItCounts(string name, string wanted) => Assert.Equal(wanted, QuotaRecount.ResourceOf(name));
}

using System.Buffers;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Testing.Fakes;

namespace Timonier.Controllers.Tests;

/// <summary>The fake API, with discovery documents.</summary>
internal sealed class DiscoveryTransport(FakeApi api) : IApiTransport
{
    public List<string> Rows { get; } = ["v1 pods Pod Namespaced", "v1 configmaps ConfigMap Namespaced", "v1 nodes Node Cluster", "apps/v1 deployments Deployment Namespaced", "apps/v1 replicasets ReplicaSet Namespaced"];

    public Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken) => request.Path is "/api" or "/apis"
        ? Task.FromResult(new ApiResponse(200, ApiRequest.Json, new ReadOnlySequence<byte>(JsonEncoder.Encode(Document(request.Path == "/api")))))
        : api.SendAsync(request, cancellationToken);

    public IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, CancellationToken cancellationToken) => api.WatchAsync(request, cancellationToken);

    private JsonMap Document(bool core)
    {
        var groups = Rows.Select(r => r.Split(' ')).Select(p => (Version: p[0].Split('/'), Parts: p)).Where(r => r.Version.Length == (core ? 1 : 2)).GroupBy(r => core ? "" : r.Version[0]);
        return new()
        {
            ["kind"] = "APIGroupDiscoveryList",
            ["items"] = new JsonList(groups.Select(g => (object?)new JsonMap
            {
                ["metadata"] = new JsonMap { ["name"] = g.Key },
                ["versions"] = new JsonList(g.GroupBy(r => r.Version[^1]).Select(v => (object?)new JsonMap
                {
                    ["version"] = v.Key, ["freshness"] = v.Any(r => r.Parts[1] == "stale") ? "Stale" : "Current",
                    ["resources"] = new JsonList(v.Where(r => r.Parts[1] != "stale").Select(r => (object?)new JsonMap
                    {
                        ["resource"] = r.Parts[1], ["scope"] = r.Parts[3], ["responseKind"] = new JsonMap { ["group"] = g.Key, ["version"] = v.Key, ["kind"] = r.Parts[2] },
                        ["verbs"] = new JsonList(r.Parts.Length > 4 ? ["get"] : ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
                    })),
                })),
            })),
        };
    }
}

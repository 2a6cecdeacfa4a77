using Timonier.Api.Json;

namespace Timonier.ApiServer.Computed;

/// <summary>The parts of the control plane, each with whether it runs: deprecated since 1.19, still asked for by kubectl get componentstatuses.</summary>
/// <param name="components">By name; each says whether it is well.</param>
internal sealed class ComponentStatuses(IReadOnlyDictionary<string, Func<bool>> components) : IComputedResource
{
    public string Group => "";
    public string Resource => "componentstatuses";

    public ValueTask<JsonMap?> GetAsync(string @namespace, string name, CancellationToken cancel) =>
        new(components.TryGetValue(name, out var isWell) ? Of(name, isWell()) : null);

    public ValueTask<IReadOnlyList<JsonMap>> ListAsync(string @namespace, CancellationToken cancel) =>
        new([.. components.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => Of(c.Key, c.Value()))]);

    private static JsonMap Of(string name, bool isWell)
    {
        var condition = new JsonMap { ["type"] = "Healthy", ["status"] = isWell ? "True" : "False", [isWell ? "message" : "error"] = isWell ? "ok" : "it does not run" };
        return new JsonMap { ["kind"] = "ComponentStatus", ["apiVersion"] = "v1", ["metadata"] = new JsonMap { ["name"] = name }, ["conditions"] = new JsonList([condition]) };
    }
}

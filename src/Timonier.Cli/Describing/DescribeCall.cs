using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Describing;

/// <summary>One object to describe, the text that grows, and the cluster to ask for what belongs to it.</summary>
/// <param name="Events">Of the object; null when they are not wanted.</param>
internal sealed record DescribeCall(Cluster Cluster, ResourceObject Target, DescribeText Text, IReadOnlyList<JsonMap>? Events)
{
    public JsonMap Object => Target.Object;
    public JsonMap Spec { get; } = Target.Object.GetMap("spec") ?? [];
    public JsonMap Status { get; } = Target.Object.GetMap("status") ?? [];

    /// <summary>In the object's namespace; all namespaces for an object without.</summary>
    public async Task<IReadOnlyList<JsonMap>> ListAsync(string group, string version, string resource, string labels, CancellationToken cancel, string fields = "") =>
        (await Cluster.Client.ListTreesAsync(new(group, version, resource), Target.Namespace.Length > 0 ? Target.Namespace : null, new ListOptions { LabelSelector = labels, FieldSelector = fields }, cancel)).Items;
}

using Timonier.Api.Core.V1;

namespace Timonier.Controllers.Common;

/// <summary>Changed copies of condition lists.</summary>
internal static class Conditions
{
    /// <summary>Sets a condition; its transition time moves only with its status.</summary>
    public static IReadOnlyList<PodCondition> Set(IReadOnlyList<PodCondition> conditions, PodCondition wanted, DateTimeOffset now)
    {
        var known = conditions.FirstOrDefault(c => c.Type == wanted.Type);
        wanted = wanted with { LastTransitionTime = known?.Status == wanted.Status ? known.LastTransitionTime : now };
        return known is null ? [.. conditions, wanted] : [.. conditions.Select(c => c.Type == wanted.Type ? wanted : c)];
    }

    /// <summary>As the other, of nodes. The heartbeat is the writer's to give.</summary>
    public static IReadOnlyList<NodeCondition> Set(IReadOnlyList<NodeCondition> conditions, NodeCondition wanted, DateTimeOffset now)
    {
        var known = conditions.FirstOrDefault(c => c.Type == wanted.Type);
        wanted = wanted with { LastTransitionTime = known?.Status == wanted.Status ? known.LastTransitionTime : now };
        return known is null ? [.. conditions, wanted] : [.. conditions.Select(c => c.Type == wanted.Type ? wanted : c)];
    }

    /// <summary>As the other, of meta/v1 conditions.</summary>
    public static IReadOnlyList<Api.Meta.V1.Condition> Set(IReadOnlyList<Api.Meta.V1.Condition> conditions, Api.Meta.V1.Condition wanted, DateTimeOffset now)
    {
        var known = conditions.FirstOrDefault(c => c.Type == wanted.Type);
        wanted = wanted with { LastTransitionTime = known?.Status == wanted.Status ? known.LastTransitionTime : now };
        return known is null ? [.. conditions, wanted] : [.. conditions.Select(c => c.Type == wanted.Type ? wanted : c)];
    }
}

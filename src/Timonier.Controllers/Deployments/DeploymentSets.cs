using Timonier.Api.Apps.V1;
using Timonier.Controllers.Common;

namespace Timonier.Controllers.Deployments;

/// <summary>The ReplicaSets of a Deployment: the one whose template it has now, and the others.</summary>
internal sealed record DeploymentSets(ReplicaSet? Newest, IReadOnlyList<ReplicaSet> Olds)
{
    public IReadOnlyList<ReplicaSet> All => Newest is null ? Olds : [.. Olds, Newest];

    public IEnumerable<ReplicaSet> ActiveOlds => Olds.Where(s => RolloutMath.Replicas(s) > 0);

    public static DeploymentSets Of(Deployment deployment, IEnumerable<ReplicaSet> sets)
    {
        // Of several with the same template (made by hand, or by a race) the oldest counts, for ever the same.
        var ordered = sets.OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
        var newest = ordered.FirstOrDefault(s => TemplateHash.SameTemplate(s.Spec.Template, deployment.Spec.Template));
        return new(newest, [.. ordered.Where(s => s != newest)]);
    }

    /// <summary>These sets after some were written.</summary>
    public DeploymentSets With(ReplicaSet changed) => Newest?.Metadata.Uid == changed.Metadata.Uid
        ? this with { Newest = changed }
        : this with { Olds = [.. Olds.Select(s => s.Metadata.Uid == changed.Metadata.Uid ? changed : s)] };

    /// <summary>The only set with pods, or when none has, the newest; null when several have.</summary>
    public ReplicaSet? ActiveOrLatest()
    {
        var active = All.Where(s => RolloutMath.Replicas(s) > 0).ToList();
        return active.Count switch { 0 => Newest ?? (Olds.Count > 0 ? Olds[^1] : null), 1 => active[0], _ => null };
    }

    /// <summary>Does the newest have all pods it should, so that the old ones are needed no more?</summary>
    public bool IsSaturated(Deployment deployment) =>
        Newest is not null && RolloutMath.Replicas(Newest) == RolloutMath.Replicas(deployment)
        && RolloutAnnotations.DesiredOf(Newest) == RolloutMath.Replicas(deployment) && Newest.Status.AvailableReplicas == RolloutMath.Replicas(deployment);

    /// <summary>Was the Deployment scaled since its active sets were last sized?</summary>
    public bool IsScaling(Deployment deployment) =>
        All.Any(s => RolloutMath.Replicas(s) > 0 && RolloutAnnotations.DesiredOf(s) is { } desired && desired != RolloutMath.Replicas(deployment));
}

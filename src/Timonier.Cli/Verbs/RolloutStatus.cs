using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>How far a rollout is, in kubectl's words.</summary>
internal static class RolloutStatus
{
    public static bool Knows(string kind) => kind is "Deployment" or "DaemonSet" or "StatefulSet";

    /// <exception cref="CliException">The rollout has failed, or its strategy rolls nothing out.</exception>
    public static (string Text, bool Done) Of(string kind, string name, JsonMap obj)
    {
        var (spec, status) = (obj.GetMap("spec") ?? [], obj.GetMap("status") ?? []);
        long Count(string field) => status.GetInteger(field) ?? 0;
        var observed = (obj.GetPath("metadata", "generation") as long? ?? 0) <= Count("observedGeneration");
        return kind switch
        {
            "Deployment" => Deployment(name, spec, status, observed, Count),
            "DaemonSet" => DaemonSet(name, spec, observed, Count),
            _ => StatefulSet(spec, status, observed, Count),
        };
    }

    private static (string, bool) Deployment(string name, JsonMap spec, JsonMap status, bool observed, Func<string, long> count)
    {
        if (!observed)
            return ("Waiting for deployment spec update to be observed...", false);
        if ((status.GetList("conditions") ?? []).OfType<JsonMap>().Any(c => c.GetString("type") == "Progressing" && c.GetString("reason") == "ProgressDeadlineExceeded"))
            throw new CliException($"deployment \"{name}\" exceeded its progress deadline");
        var (wanted, updated) = (spec.GetInteger("replicas") ?? 1, count("updatedReplicas"));
        if (updated < wanted)
            return ($"Waiting for deployment \"{name}\" rollout to finish: {updated} out of {wanted} new replicas have been updated...", false);
        if (count("replicas") > updated)
            return ($"Waiting for deployment \"{name}\" rollout to finish: {count("replicas") - updated} old replicas are pending termination...", false);
        return count("availableReplicas") < updated
            ? ($"Waiting for deployment \"{name}\" rollout to finish: {count("availableReplicas")} of {updated} updated replicas are available...", false)
            : ($"deployment \"{name}\" successfully rolled out", true);
    }

    private static (string, bool) DaemonSet(string name, JsonMap spec, bool observed, Func<string, long> count)
    {
        if (spec.GetMap("updateStrategy")?.GetString("type") == "OnDelete")
            throw new CliException("rollout status is only available for RollingUpdate strategy type");
        if (!observed)
            return ("Waiting for daemon set spec update to be observed...", false);
        var (wanted, updated, available) = (count("desiredNumberScheduled"), count("updatedNumberScheduled"), count("numberAvailable"));
        if (updated < wanted)
            return ($"Waiting for daemon set \"{name}\" rollout to finish: {updated} out of {wanted} new pods have been updated...", false);
        return available < wanted ? ($"Waiting for daemon set \"{name}\" rollout to finish: {available} of {wanted} updated pods are available...", false) : ($"daemon set \"{name}\" successfully rolled out", true);
    }

    private static (string, bool) StatefulSet(JsonMap spec, JsonMap status, bool observed, Func<string, long> count)
    {
        if (spec.GetMap("updateStrategy")?.GetString("type") == "OnDelete")
            throw new CliException("rollout status is only available for RollingUpdate strategy type");
        if (!observed)
            return ("Waiting for statefulset spec update to be observed...", false);
        var wanted = spec.GetInteger("replicas") ?? 1;
        if (count("readyReplicas") < wanted)
            return ($"Waiting for {wanted - count("readyReplicas")} pods to be ready...", false);
        if (spec.GetMap("updateStrategy")?.GetMap("rollingUpdate")?.GetInteger("partition") is > 0 and var partition)
        {
            return count("updatedReplicas") < wanted - partition
                ? ($"Waiting for partitioned roll out to finish: {count("updatedReplicas")} out of {wanted - partition} new pods have been updated...", false)
                : ($"partitioned roll out complete: {count("updatedReplicas")} new pods have been updated...", true);
        }
        return status.GetString("updateRevision") != status.GetString("currentRevision")
            ? ($"waiting for statefulset rolling update to complete {count("updatedReplicas")} pods at revision {status.GetString("updateRevision")}...", false)
            : ($"statefulset rolling update complete {count("currentReplicas")} pods at revision {status.GetString("currentRevision")}...", true);
    }
}

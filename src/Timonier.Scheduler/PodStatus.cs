using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Client;

namespace Timonier.Scheduler;

/// <summary>What the scheduler writes into the status of pods: conditions, merged by type, and the node that a pod waits for.</summary>
internal static class PodStatus
{
    public static async Task SetUnschedulableAsync(ApiClient client, Pod pod, string message, string? nominatedNodeName, DateTimeOffset now, CancellationToken cancel)
    {
        var known = pod.Status.Conditions.FirstOrDefault(c => c.Type == "PodScheduled");
        if (known is { Status: "False", Reason: "Unschedulable" } && known.Message == message && (nominatedNodeName ?? "") == pod.Status.NominatedNodeName)
            return;
        var status = new JsonMap { ["conditions"] = new JsonList { Condition("PodScheduled", "False", "Unschedulable", message, known?.Status == "False" ? known.LastTransitionTime ?? now : now) } };
        // A pod for which no room is being made waits for no node any more.
        status["nominatedNodeName"] = nominatedNodeName;
        await PatchAsync(client, pod, status, cancel);
    }

    /// <summary>The condition that job controllers and people read: the pod goes for another, not for a fault of its own (KEP-3329).</summary>
    public static Task SetDisruptedAsync(ApiClient client, Pod pod, string schedulerName, DateTimeOffset now, CancellationToken cancel) =>
        PatchAsync(client, pod, new JsonMap
        {
            ["conditions"] = new JsonList { Condition("DisruptionTarget", "True", "PreemptionByScheduler", $"{schedulerName}: preempting to accommodate a higher priority pod", now) },
        }, cancel);

    private static JsonMap Condition(string type, string status, string reason, string message, DateTimeOffset since) => new()
    {
        ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message, ["lastTransitionTime"] = JsonWrite.FormatTime(since),
    };

    private static async Task PatchAsync(ApiClient client, Pod pod, JsonMap status, CancellationToken cancel)
    {
        try
        {
            var patch = new JsonMap { ["metadata"] = new JsonMap { ["uid"] = pod.Metadata.Uid }, ["status"] = status };
            await client.PatchAsync<Pod>(pod.Metadata.Namespace, pod.Metadata.Name, PatchBody.Strategic(patch), "status", cancel);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // The pod is gone: there is nothing to tell.
        }
    }
}

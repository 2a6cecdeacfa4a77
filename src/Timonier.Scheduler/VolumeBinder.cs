using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Client;
using Timonier.Scheduler.Filters;

namespace Timonier.Scheduler;

/// <summary>Before a pod is bound: claims that waited for their first consumer get a volume or are handed to the provisioner, and are waited for.</summary>
internal sealed class VolumeBinder(IVolumeLookup lookup, VolumeBinding rules, ApiClient client, TimeProvider time)
{
    // As upstream's bindTimeoutSeconds; the pod is then tried again from the start.
    private static readonly TimeSpan BindLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    public async Task BindAsync(Pod pod, string nodeName, CancellationToken cancel)
    {
        var waiting = VolumeBinding.ClaimNames(pod).Where(n => lookup.Claim(pod.Metadata.Namespace, n) is { } claim && !VolumeBinding.IsBound(claim)).ToArray();
        if (waiting.Length == 0)
            return;
        var node = await client.GetAsync<Node>("", nodeName, cancel);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in waiting)
        {
            if (lookup.Claim(pod.Metadata.Namespace, name) is { } claim)
                await StartAsync(claim, node, taken, cancel);
        }
        var deadline = time.GetUtcNow() + BindLimit;
        while (!waiting.All(n => lookup.Claim(pod.Metadata.Namespace, n) is { } claim && VolumeBinding.IsBound(claim)))
        {
            if (time.GetUtcNow() > deadline)
                throw new TimeoutException("binding volumes: timed out waiting for the condition");
            await Task.Delay(Poll, time, cancel);
        }
    }

    private async Task StartAsync(PersistentVolumeClaim claim, Node node, HashSet<string> taken, CancellationToken cancel)
    {
        if (rules.FindVolume(claim, node, taken) is { } volume)
        {
            taken.Add(volume.Metadata.Name);
            var reference = new JsonMap
            {
                ["kind"] = "PersistentVolumeClaim", ["apiVersion"] = "v1", ["namespace"] = claim.Metadata.Namespace, ["name"] = claim.Metadata.Name, ["uid"] = claim.Metadata.Uid,
            };
            await client.PatchAsync<PersistentVolume>("", volume.Metadata.Name, PatchBody.Merge(new() { ["metadata"] = new JsonMap { ["resourceVersion"] = volume.Metadata.ResourceVersion }, ["spec"] = new JsonMap { ["claimRef"] = reference } }), cancellationToken: cancel);
            return;
        }
        var annotations = new JsonMap { [VolumeBinding.SelectedNode] = node.Metadata.Name };
        await client.PatchAsync<PersistentVolumeClaim>(claim.Metadata.Namespace, claim.Metadata.Name, PatchBody.Merge(new() { ["metadata"] = new JsonMap { ["annotations"] = annotations } }), cancellationToken: cancel);
    }
}

using System.Runtime.CompilerServices;
using Timonier.Kubelet.Cri.Containerd;

namespace Timonier.Kubelet.Cri;

/// <summary>Something happened to a task (the process of a container or sandbox). <see cref="Topic"/> is containerd's, e.g. <c>/tasks/exit</c>.</summary>
internal readonly record struct TaskNotice(string Topic, string ContainerId);

/// <summary>
/// containerd's event stream, filtered to the tasks of Kubernetes' namespace. It costs nothing while nothing happens,
/// and its end is the sign that containerd went down.
/// </summary>
internal sealed class ContainerdEvents(GrpcChannel channel)
{
    public const string KubernetesNamespace = "k8s.io";

    public async IAsyncEnumerable<TaskNotice> SubscribeAsync(Action? onOpen, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new SubscribeRequest();
        // Each is a filter; one that matches is enough. The end of a probe's process is told of too, and nobody's news.
        foreach (var topic in (string[])["/tasks/exit", "/tasks/delete", "/tasks/oom"])
            request.Filters.Add($"namespace=={KubernetesNamespace},topic==\"{topic}\"");
        var stream = channel.StreamAsync("containerd.services.events.v1.Events/Subscribe", request, Envelope.Parser, onOpen, cancellationToken);
        await foreach (var envelope in stream)
        {
            var task = TaskEvent.Parser.ParseFrom(envelope.Event.Value);
            var process = envelope.Topic == "/tasks/delete" ? task.DeleteId.ToStringUtf8() : task.ExitId;
            if (process.Length == 0 || process == task.ContainerId)
                yield return new TaskNotice(envelope.Topic, task.ContainerId);
        }
    }
}

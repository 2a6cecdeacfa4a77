using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>A pod stays five minutes on a node that is not ready or not reachable, unless it says otherwise.</summary>
internal sealed class DefaultTolerationSeconds : IMutatingAdmission
{
    private const long Seconds = 300;

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || attributes.Object is not { } pod)
            return ValueTask.CompletedTask;
        foreach (var taint in (ReadOnlySpan<string>)["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (!Tolerates(pod, taint))
                pod.Spec().EnsureList("tolerations").Add(new JsonMap { ["key"] = taint, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = Seconds });
        }
        return ValueTask.CompletedTask;
    }

    private static bool Tolerates(JsonMap pod, string taint) =>
        pod.Spec().Maps("tolerations").Any(t => (t.Text("key") == taint || t.Text("key").Length == 0) && t.Text("effect") is "NoExecute" or "");
}

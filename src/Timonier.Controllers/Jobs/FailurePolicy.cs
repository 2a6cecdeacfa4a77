using Timonier.Api.Batch.V1;
using Timonier.Api.Core.V1;

namespace Timonier.Controllers.Jobs;

/// <summary>What a Job's podFailurePolicy says of a failed pod. Pure.</summary>
internal static class FailurePolicy
{
    /// <param name="Action">Of the first rule that matches: FailJob, FailIndex, Ignore, Count; Count when none does.</param>
    /// <param name="Message">Upstream's words on why; empty when no rule matched.</param>
    public readonly record struct Verdict(string Action, string Message);

    public static Verdict Match(Job job, Pod pod)
    {
        var rules = job.Spec.PodFailurePolicy?.Rules ?? [];
        for (var i = 0; i < rules.Count; i++)
        {
            var (rule, about) = (rules[i], $"{pod.Metadata.Namespace}/{pod.Metadata.Name}");
            if (rule.OnExitCodes is { } codes)
            {
                if (MatchExitCode(pod, codes) is { } container)
                    return new(rule.Action, $"Container {container.Name} for pod {about} failed with exit code {container.State.Terminated!.ExitCode} matching {rule.Action} rule at index {i}");
            }
            else if (pod.Status.Conditions.FirstOrDefault(c => rule.OnPodConditions.Any(p => p.Type == c.Type && p.Status == c.Status)) is { } condition)
                return new(rule.Action, $"Pod {about} has condition {condition.Type} matching {rule.Action} rule at index {i}");
        }
        return new("Count", "");
    }

    public static bool IsIgnored(Job job, Pod pod) => job.Spec.PodFailurePolicy is not null && Match(job, pod).Action == "Ignore";

    private static ContainerStatus? MatchExitCode(Pod pod, PodFailurePolicyOnExitCodesRequirement codes) =>
        pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses).FirstOrDefault(c =>
            (codes.ContainerName is null || codes.ContainerName == c.Name) && c.State.Terminated is { ExitCode: not 0 and var code } && codes.Values.Contains(code) == (codes.Operator == "In"));
}

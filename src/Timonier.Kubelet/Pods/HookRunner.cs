using Timonier.Api.Core.V1;
using Timonier.Kubelet.Probes;

namespace Timonier.Kubelet.Pods;

/// <summary>Runs a container's postStart and preStop hooks. Upstream: lifecycle/handlers.go.</summary>
internal sealed class HookRunner(ProbeRunner runner, TimeProvider time)
{
    /// <returns>Null when it succeeded, else what went wrong.</returns>
    public async Task<string?> RunAsync(LifecycleHandler hook, string podIp, Container container, string containerId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout <= TimeSpan.Zero)
            return null;
        using var deadline = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            if (hook.Exec is { } exec)
            {
                var outcome = await runner.ExecAsync(exec.Command, containerId, timeout, linked.Token);
                return outcome.Result == ProbeResult.Success ? null : $"Exec lifecycle hook ([{string.Join(' ', exec.Command)}]) for Container \"{container.Name}\" failed - error: command failed, message: \"{outcome.Output}\"";
            }
            if (hook.HttpGet is { } http)
            {
                var outcome = await runner.HttpAsync(http, podIp, container, linked.Token, anyStatus: true);
                return outcome.Result == ProbeResult.Success ? null : $"HTTP lifecycle hook ({http.Path}) for Container \"{container.Name}\" failed - error: {outcome.Output}";
            }
            if (hook.Sleep is { } sleep)
                await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), time, linked.Token);
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"lifecycle hook for Container \"{container.Name}\" did not end within {timeout.TotalSeconds:0} s";
        }
    }
}

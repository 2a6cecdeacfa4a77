using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Probes;

/// <summary>What one probe of one running container has shown so far, and how it counts.</summary>
internal sealed class ProbeCounter(ProbeKind kind, Probe probe)
{
    private ProbeResult? _last;
    private int _run;

    /// <summary>What the kubelet acts on. Until thresholds say otherwise: alive, not started, not ready.</summary>
    public ProbeResult Result { get; private set; } = kind switch
    {
        ProbeKind.Liveness => ProbeResult.Success,
        ProbeKind.Startup => ProbeResult.Unknown,
        _ => ProbeResult.Failure,
    };

    /// <returns>True if <see cref="Result"/> changed.</returns>
    public bool Add(ProbeResult attempt)
    {
        if (attempt == ProbeResult.Unknown)
            return false;
        _run = attempt == _last ? _run + 1 : 1;
        _last = attempt;
        var threshold = attempt == ProbeResult.Success ? probe.SuccessThreshold : probe.FailureThreshold;
        if (_run < Math.Max(1, threshold) || Result == attempt)
            return false;
        Result = attempt;
        return true;
    }
}

namespace Timonier.Kubelet.Probes;

internal enum ProbeResult
{
    Success,
    Failure,

    /// <summary>The probe itself could not be made; it counts neither way.</summary>
    Unknown,
}

/// <summary>One attempt. <see cref="Output"/> is what upstream's Unhealthy event quotes.</summary>
internal readonly record struct ProbeOutcome(ProbeResult Result, string Output);

internal enum ProbeKind
{
    Startup,
    Liveness,
    Readiness,
}

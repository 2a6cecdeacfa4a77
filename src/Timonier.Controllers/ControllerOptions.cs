namespace Timonier.Controllers;

/// <summary>What the controllers are told from outside.</summary>
public sealed record ControllerOptions
{
    /// <summary>The certificates, as PEM, by which pods know the API server. Empty: no configmap kube-root-ca.crt is published.</summary>
    public string RootCaPem { get; init; } = "";

    /// <summary>The IPv4 range of all pods; each node without a part gets a /24 of it.</summary>
    public string ClusterCidr { get; init; } = "10.244.0.0/16";
}

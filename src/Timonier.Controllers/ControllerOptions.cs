namespace Timonier.Controllers;

/// <summary>What the controllers are told from outside.</summary>
public sealed record ControllerOptions
{
    /// <summary>The certificates, as PEM, by which pods know the API server. Empty: no configmap kube-root-ca.crt is published.</summary>
    public string RootCaPem { get; init; } = "";
}

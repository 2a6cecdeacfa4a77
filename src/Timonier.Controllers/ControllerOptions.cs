using Timonier.Controllers.LocalPath;

namespace Timonier.Controllers;

/// <summary>What the controllers are told from outside.</summary>
public sealed record ControllerOptions
{
    /// <summary>The certificates, as PEM, by which pods know the API server. Empty: no configmap kube-root-ca.crt is published.</summary>
    public string RootCaPem { get; init; } = "";

    /// <summary>The IPv4 range of all pods; each node without a part gets a /24 of it.</summary>
    public string ClusterCidr { get; init; } = "10.244.0.0/16";

    /// <summary>Makes the directories of class local-path. Null: there is no such class.</summary>
    public ILocalVolumes? LocalVolumes { get; init; }

    /// <summary>Where, on every node, the volumes of class local-path are.</summary>
    public string VolumesDirectory { get; init; } = "/var/lib/timonier/volumes";
}

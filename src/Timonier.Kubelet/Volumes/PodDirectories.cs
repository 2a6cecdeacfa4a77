using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Volumes;

/// <summary>Where a pod's files lie on the node. The layout below the two roots is upstream's.</summary>
/// <param name="Root">The kubelet's directory, e.g. <c>/var/lib/timonier/kubelet</c>.</param>
/// <param name="LogRoot">Container logs, upstream <c>/var/log/pods</c>.</param>
internal sealed record PodDirectories(string Root, string LogRoot)
{
    public string Pods => Path.Combine(Root, "pods");

    public string Pod(string uid) => Path.Combine(Pods, uid);

    public string Volumes(string uid) => Path.Combine(Pod(uid), "volumes");

    /// <param name="plugin">E.g. <c>empty-dir</c>.</param>
    public string Volume(string uid, string plugin, string name) => Path.Combine(Volumes(uid), "kubernetes.io~" + plugin, name);

    public string Container(string uid, string containerName) => Path.Combine(Pod(uid), "containers", containerName);

    public string EtcHosts(string uid) => Path.Combine(Pod(uid), "etc-hosts");

    public string Logs(Pod pod) => Path.Combine(LogRoot, $"{pod.Metadata.Namespace}_{pod.Metadata.Name}_{pod.Metadata.Uid}");
}

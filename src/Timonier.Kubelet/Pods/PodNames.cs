using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Pods;

/// <summary>
/// The labels and annotations by which the runtime's objects are recognized as a pod's, also after a restart. The names are upstream's
/// (pkg/kubelet/types/labels.go), so that crictl and other tools show them as usual.
/// </summary>
internal static class PodNames
{
    public const string NameLabel = "io.kubernetes.pod.name";
    public const string NamespaceLabel = "io.kubernetes.pod.namespace";
    public const string UidLabel = "io.kubernetes.pod.uid";
    public const string ContainerLabel = "io.kubernetes.container.name";

    public const string HashAnnotation = "io.kubernetes.container.hash";
    public const string RestartCountAnnotation = "io.kubernetes.container.restartCount";
    public const string MessagePathAnnotation = "io.kubernetes.container.terminationMessagePath";
    public const string MessagePolicyAnnotation = "io.kubernetes.container.terminationMessagePolicy";
    public const string GraceAnnotation = "io.kubernetes.pod.terminationGracePeriod";

    /// <summary>The scheme that container ids get in the API.</summary>
    public const string IdPrefix = "containerd://";

    /// <summary>Changes when a running container must be replaced: its name or image (all else of a container is immutable).</summary>
    public static string ContainerHash(Container container) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(container.Name + '\0' + container.Image)).AsSpan(0, 8));

    /// <summary><c>name_namespace(uid)</c>: how upstream's messages name a pod.</summary>
    public static string Format(Pod pod) => $"{pod.Metadata.Name}_{pod.Metadata.Namespace}({pod.Metadata.Uid})";
}

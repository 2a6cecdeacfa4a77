namespace Timonier.Kubelet.Volumes;

/// <summary>A volume cannot be set up now. The message is what upstream's FailedMount event says; the attempt is repeated.</summary>
internal sealed class VolumeException(string message, Exception? inner = null) : Exception(message, inner);

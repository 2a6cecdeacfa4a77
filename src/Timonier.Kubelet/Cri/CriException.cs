namespace Timonier.Kubelet.Cri;

/// <summary>gRPC's status codes (grpc/status.md): the numbers are the wire's.</summary>
public enum GrpcStatus
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>
/// A call to the container runtime failed. <see cref="Exception.Message"/> is in upstream's form
/// ("rpc error: code = NotFound desc = ...") because it ends up in events that people and tests read.
/// </summary>
public sealed class CriException(GrpcStatus status, string description, string method, Exception? inner = null)
    : Exception($"rpc error: code = {status} desc = {description}", inner)
{
    public GrpcStatus Status { get; } = status;

    /// <summary>The runtime's own words, without the code.</summary>
    public string Description { get; } = description;

    /// <summary>The call that failed, e.g. <c>runtime.v1.RuntimeService/RunPodSandbox</c>.</summary>
    public string Method { get; } = method;

    public bool IsNotFound => Status == GrpcStatus.NotFound;

    /// <summary>The runtime could not be reached: it is down or restarting.</summary>
    public bool IsUnavailable => Status == GrpcStatus.Unavailable;
}

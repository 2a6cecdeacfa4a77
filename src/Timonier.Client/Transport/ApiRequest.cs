using System.Buffers;

namespace Timonier.Client;

/// <summary>A request to an API server, in HTTP's words.</summary>
public sealed record ApiRequest
{
    public const string Json = "application/json";

    /// <summary>GET, POST, PUT, PATCH or DELETE.</summary>
    public required string Method { get; init; }

    /// <summary>Escaped, begins with a slash, without query: "/api/v1/namespaces/default/pods".</summary>
    public required string Path { get; init; }

    /// <summary>Escaped, without the question mark; empty when there is none.</summary>
    public string Query { get; init; } = "";
    public string Accept { get; init; } = Json;

    /// <summary>Of the body; without meaning when the body is empty.</summary>
    public string ContentType { get; init; } = Json;
    public ReadOnlyMemory<byte> Body { get; init; }
    public string UserAgent { get; init; } = "";
}

/// <summary>The whole answer to a request.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Body">May be a chain of shared buffers: an in-process server hands out what it caches. Never write to it.</param>
public sealed record ApiResponse(int Status, string ContentType, ReadOnlySequence<byte> Body)
{
    /// <summary>The texts of the Warning headers.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Seconds of the Retry-After header; null when absent.</summary>
    public int? RetryAfterSeconds { get; init; }

    public bool IsSuccess => Status is >= 200 and < 300;
}

public enum WatchEventType
{
    Added, Modified, Deleted,
    /// <summary>Carries nothing but a resourceVersion from which the watch can be resumed.</summary>
    Bookmark,
    /// <summary>The object is a Status; the watch is over.</summary>
    Error,
}

/// <summary>A watch event with its object as UTF-8 JSON, valid until the next event is asked for.</summary>
public readonly record struct RawWatchEvent(WatchEventType Type, ReadOnlySequence<byte> Object);

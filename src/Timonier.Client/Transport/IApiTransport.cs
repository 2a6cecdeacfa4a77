using Timonier.Api.Errors;

namespace Timonier.Client;

/// <summary>
/// How requests reach an API server: over HTTPS, or in the server's own process without sockets. Thread-safe. Who the
/// caller is belongs to the transport, not to the request.
/// </summary>
public interface IApiTransport
{
    /// <summary>One request, one whole answer. A refusal is an answer (a Status with its HTTP code), not an exception.</summary>
    /// <exception cref="ApiException">The server cannot be reached (503) or gave no answer in time (504).</exception>
    Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken);

    /// <summary>A watch: the events in order, until the server ends it or the caller stops.</summary>
    /// <param name="request">A GET whose query says watch=1.</param>
    /// <exception cref="ApiException">The server refuses the watch, cannot be reached, or the connection breaks.</exception>
    IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, CancellationToken cancellationToken);
}

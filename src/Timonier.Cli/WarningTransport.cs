using Timonier.Client;

namespace Timonier.Cli;

/// <summary>Shows the server's warnings to the person, each once, as kubectl does.</summary>
internal sealed class WarningTransport(IApiTransport inner, TextWriter error) : IApiTransport
{
    private readonly HashSet<string> _shown = new(StringComparer.Ordinal);

    public async Task<ApiResponse> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var response = await inner.SendAsync(request, cancellationToken);
        foreach (var warning in response.Warnings)
        {
            // Verbs that do several things at once share the transport.
            lock (_shown)
            {
                if (_shown.Add(warning))
                    error.WriteLine("Warning: " + warning);
            }
        }
        return response;
    }

    public IAsyncEnumerable<RawWatchEvent> WatchAsync(ApiRequest request, CancellationToken cancellationToken) => inner.WatchAsync(request, cancellationToken);
}

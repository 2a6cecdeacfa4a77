namespace Timonier.Client;

/// <summary>The token of the options: as given, or from its file, which is read again once a minute (service account tokens are renewed in place).</summary>
internal sealed class BearerToken(HttpTransportOptions options, TimeProvider time)
{
    private static readonly TimeSpan Reread = TimeSpan.FromMinutes(1);

    private volatile Read? _last;

    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        if (options.TokenFile.Length == 0)
            return options.Token;
        if (_last is { } last && time.GetElapsedTime(last.At) < Reread)
            return last.Token;
        var token = (await File.ReadAllTextAsync(options.TokenFile, cancellationToken)).Trim();
        _last = new(token, time.GetTimestamp());
        return token;
    }

    private sealed record Read(string Token, long At);
}

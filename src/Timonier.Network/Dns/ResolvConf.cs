using System.Net;

namespace Timonier.Network.Dns;

/// <summary>The host's resolvers, read again when the file changes (looked at every few seconds, and only when asked).</summary>
internal sealed class ResolvConf(string path, IReadOnlyCollection<IPAddress> own, TimeProvider time)
{
    private const int DnsPort = 53;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    /// <summary>resolv.conf(5): MAXNS.</summary>
    private const int ServersMax = 3;

    private readonly Lock _lock = new();
    private IReadOnlyList<IPEndPoint> _servers = [];
    private DateTime _written;
    private long? _lookedAt;

    /// <summary>Empty when the file is missing, unreadable or names nobody but ourselves.</summary>
    public IReadOnlyList<IPEndPoint> Servers()
    {
        lock (_lock)
        {
            if (_lookedAt is { } before && time.GetElapsedTime(before) < LookAgain)
                return _servers;
            _lookedAt = time.GetTimestamp();
            try
            {
                var written = File.GetLastWriteTimeUtc(path);
                if (written != _written)
                    _servers = Parse(File.ReadAllText(path), own);
                _written = written;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                _servers = [];
            }
            return _servers;
        }
    }

    /// <summary>A server that is ourselves is left out: a question must not go round in a circle.</summary>
    public static IReadOnlyList<IPEndPoint> Parse(string text, IReadOnlyCollection<IPAddress> own) =>
    [
        .. text.Split('\n')
            .Select(line => line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null)
            .OfType<IPAddress>()
            .Where(address => !own.Contains(address))
            .Take(ServersMax)
            .Select(address => new IPEndPoint(address, DnsPort)),
    ];
}

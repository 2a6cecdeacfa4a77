using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.ApiServer.Authentication;

/// <summary>Authorities of client certificates in a file that may change: looked at again, at most once a minute, when a new connection shows a certificate. Thread-safe.</summary>
public sealed class AuthorityFile
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private DateTimeOffset _next;

    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="CryptographicException">It holds no certificate.</exception>
    public AuthorityFile(string path, TimeProvider time)
    {
        (_path, _time, _next) = (path, time, time.GetUtcNow() + Period);
        Pem = File.ReadAllText(path);
        Known = Parse(Pem);
    }

    /// <summary>As the file was when it was read last.</summary>
    public string Pem { get; private set; }

    private X509Certificate2Collection Known { get; set; }

    /// <summary>What the file says. One that is gone or wrong leaves what was.</summary>
    public X509Certificate2Collection Current()
    {
        lock (_gate)
        {
            if (_time.GetUtcNow() < _next)
                return Known;
            _next = _time.GetUtcNow() + Period;
            try
            {
                var text = File.ReadAllText(_path);
                if (text != Pem)
                    (Known, Pem) = (Parse(text), text);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                // It may be in the midst of being written: the next minute tells.
            }
            return Known;
        }
    }

    private static X509Certificate2Collection Parse(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates.Count > 0 ? certificates : throw new CryptographicException("data does not contain any valid RSA or ECDSA certificates");
    }
}

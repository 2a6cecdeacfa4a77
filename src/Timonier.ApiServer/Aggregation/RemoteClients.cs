using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Timonier.Api.Apiregistration.V1;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Aggregation;

/// <summary>
/// HTTPS to the servers behind APIServices, one pool of connections for each service and CA: the server must be name.namespace.svc by the
/// APIService's own CA, we are the front proxy by our certificate. Thread-safe.
/// </summary>
/// <param name="certificate">Of the front-proxy authority; null: none is shown.</param>
internal sealed class RemoteClients(IObjectReader reader, X509Certificate2? certificate) : IDisposable
{
    private const int ClientsMax = 64;

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _clients = new(StringComparer.Ordinal);

    /// <param name="spec">Of an APIService with a service.</param>
    public HttpMessageInvoker For(APIServiceSpec spec)
    {
        var key = $"{spec.Service!.Namespace}/{spec.Service.Name}:{spec.Service.Port} {spec.InsecureSkipTLSVerify} {Convert.ToHexString(SHA256.HashData(spec.CaBundle))}";
        if (_clients.TryGetValue(key, out var client))
            return client;
        if (_clients.Count >= ClientsMax && _clients.Keys.FirstOrDefault() is { } one && _clients.TryRemove(one, out var dropped))
            dropped.Dispose();
        return _clients.GetOrAdd(key, _ => Create(spec));
    }

    public static string Host(APIServiceSpec spec) => string.Create(CultureInfo.InvariantCulture, $"{spec.Service!.Name}.{spec.Service.Namespace}.svc:{spec.Service.Port ?? 443}");

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    private HttpMessageInvoker Create(APIServiceSpec spec)
    {
        var service = spec.Service!;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = (_, cancel) => ServiceAddress.ConnectAsync(reader, service.Namespace, service.Name, service.Port ?? 443, cancel),
            RequestHeaderEncodingSelector = static (name, _) => name.StartsWith(Aggregator.OwnPrefix, StringComparison.OrdinalIgnoreCase) ? new HeaderLines(name) : null,
            SslOptions = new SslClientAuthenticationOptions { ClientCertificates = certificate is null ? null : [certificate] },
        };
        if (spec.InsecureSkipTLSVerify == true)
        {
#pragma warning disable CA5359 // What the field is for; validation refuses it together with a CA.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (spec.CaBundle.Length > 0)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(System.Text.Encoding.ASCII.GetString(spec.CaBundle));
            handler.SslOptions.CertificateChainPolicy = policy;
        }
        return new HttpMessageInvoker(handler);
    }
}

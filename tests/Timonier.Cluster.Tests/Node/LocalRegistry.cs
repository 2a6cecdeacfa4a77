using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Timonier.Cluster.Tests.Node;

/// <summary>An image registry on this machine with one image, busybox, for those who know the password (OCI distribution specification, pull).</summary>
internal sealed class LocalRegistry : IAsyncDisposable
{
    public const string User = "puller", Password = "only-for-tests";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _blobs = [];
    private readonly string _manifest;
    private readonly Task _serving;

    public LocalRegistry()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        Address = $"127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture)}";
        free.Stop();
        var layer = Layer();
        var config = Encoding.UTF8.GetBytes($$$"""{"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["{{{Add(layer)}}}"]}}""");
        _manifest = Add(Encoding.UTF8.GetBytes($$$"""
            {"schemaVersion": 2, "mediaType": "{{{ManifestType}}}",
             "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{{{Add(config)}}}", "size": {{{config.Length}}}},
             "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "{{{Add(layer)}}}", "size": {{{layer.Length}}}}]}
            """));
        _listener.Prefixes.Add($"http://{Address}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address { get; }
    public string Image => $"{Address}/box:1";

    /// <summary>How often the tag was asked for by somebody who may.</summary>
    public int TagRequests { get; private set; }

    public ConcurrentQueue<string> Refused { get; } = new();

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private static byte[] Layer()
    {
        using var buffer = new MemoryStream();
        using (var tar = new TarWriter(buffer, leaveOpen: true))
        {
            using var busybox = File.OpenRead("/bin/busybox");
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/sh") { DataStream = busybox, Mode = (UnixFileMode)0b111_101_101 });
        }
        return buffer.ToArray();
    }

    private string Add(byte[] blob)
    {
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(blob));
        _blobs[digest] = blob;
        return digest;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
                Answer(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // We stop.
        }
    }

    private void Answer(HttpListenerContext http)
    {
        var path = http.Request.Url!.AbsolutePath;
        var response = http.Response;
        if (http.Request.Headers["Authorization"] != "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}")))
        {
            Refused.Enqueue(path);
            response.AddHeader("WWW-Authenticate", "Basic realm=\"test\"");
            response.StatusCode = 401;
        }
        else if (_blobs.TryGetValue(path.EndsWith("/manifests/1", StringComparison.Ordinal) ? _manifest : path.Split('/')[^1], out var blob))
        {
            TagRequests += path.EndsWith("/manifests/1", StringComparison.Ordinal) ? 1 : 0;
            response.ContentType = path.Contains("/manifests/", StringComparison.Ordinal) ? ManifestType : "application/octet-stream";
            response.AddHeader("Docker-Content-Digest", "sha256:" + Convert.ToHexStringLower(SHA256.HashData(blob)));
            response.ContentLength64 = blob.Length;
            if (http.Request.HttpMethod == "GET")
                response.OutputStream.Write(blob);
        }
        else
        {
            response.StatusCode = path == "/v2/" ? 200 : 404;
        }
        response.Close();
    }
}

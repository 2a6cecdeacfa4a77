using System.Formats.Tar;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Timonier.Kubelet.Images;

/// <summary>
/// Writes an image of one layer as an OCI image layout in a tar file (OCI image specification 1.0, image-layout.md):
/// what <c>ctr images import</c> and <c>skopeo</c> read.
/// </summary>
internal static class OciArchive
{
    /// <param name="name">The full reference the image gets on import, e.g. <c>timonier.local/pause:1</c>.</param>
    /// <param name="files">Path inside the image, without a leading slash, and content; each becomes an executable file of root.</param>
    public static byte[] Write(string name, IReadOnlyDictionary<string, byte[]> files, IReadOnlyList<string> entrypoint, Architecture architecture)
    {
        var layer = Tar(files);
        var config = Encoding.UTF8.GetBytes($$"""
            {"architecture":"{{GoName(architecture)}}","os":"linux","config":{"Entrypoint":[{{string.Join(',', entrypoint.Select(Quote))}}],"Env":["PATH=/"],"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":["{{Digest(layer)}}"]},"history":[{"created_by":"timonier"}]}
            """);
        var manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{Descriptor("application/vnd.oci.image.config.v1+json", config)}},"layers":[{{Descriptor("application/vnd.oci.image.layer.v1.tar", layer)}}]}
            """);
        var annotations = $"\"io.containerd.image.name\":{Quote(name)},\"org.opencontainers.image.ref.name\":{Quote(name)}";
        var index = Descriptor("application/vnd.oci.image.manifest.v1+json", manifest, annotations);
        return Tar(new Dictionary<string, byte[]>
        {
            ["oci-layout"] = """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(),
            ["index.json"] = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{index}}]}"""),
            [BlobPath(config)] = config,
            [BlobPath(manifest)] = manifest,
            [BlobPath(layer)] = layer,
        });
    }

    private static byte[] Tar(IReadOnlyDictionary<string, byte[]> files)
    {
        using var output = new MemoryStream();
        using (var writer = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, content) in files)
            {
                using var data = new MemoryStream(content);
                // The same input must give the same digest, so the time is fixed.
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
                {
                    DataStream = data,
                    Mode = (UnixFileMode)0b111_101_101,
                    ModificationTime = DateTimeOffset.UnixEpoch,
                });
            }
        }
        return output.ToArray();
    }

    private static string Descriptor(string mediaType, byte[] content, string? annotations = null)
    {
        var extra = annotations is null ? "" : $",\"annotations\":{{{annotations}}}";
        return string.Create(CultureInfo.InvariantCulture, $"{{\"mediaType\":\"{mediaType}\",\"digest\":\"{Digest(content)}\",\"size\":{content.Length}{extra}}}");
    }

    private static string Digest(byte[] content) => "sha256:" + Hex(content);

    private static string BlobPath(byte[] content) => "blobs/sha256/" + Hex(content);

    private static string Hex(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static string Quote(string value) => '"' + System.Text.Json.JsonEncodedText.Encode(value).ToString() + '"';

    private static string GoName(Architecture architecture) => architecture == Architecture.X64 ? "amd64" : "arm64";
}

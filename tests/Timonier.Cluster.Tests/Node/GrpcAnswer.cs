using System.Text;

namespace Timonier.Cluster.Tests.Node;

/// <summary>What a gRPC server sends to the first request of a connection: HTTP/2 frames (RFC 9113) with headers written out (RFC 7541, no Huffman codes).</summary>
internal static class GrpcAnswer
{
    private const byte Data = 0, Headers = 1, Settings = 4, Ack = 1, EndOfStream = 1, EndOfHeaders = 4;

    /// <summary>grpc.health.v1.HealthCheckResponse: 1 is SERVING, 2 NOT_SERVING.</summary>
    public static byte[] Health(byte status) =>
    [
        .. Frame(Settings, 0, 0, []),
        .. Frame(Settings, Ack, 0, []),
        .. Frame(Headers, EndOfHeaders, 1, [StatusOk, .. Literal("content-type", "application/grpc")]),
        .. Frame(Data, 0, 1, [0, 0, 0, 0, 2, 8, status]),
        .. Frame(Headers, EndOfHeaders | EndOfStream, 1, Literal("grpc-status", "0")),
    ];

    /// <summary>The eighth entry of the static table, ":status: 200".</summary>
    private const byte StatusOk = 0x88;

    private static byte[] Frame(byte type, byte flags, byte stream, byte[] payload) => [0, 0, (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload];

    private static byte[] Literal(string name, string value) => [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
}

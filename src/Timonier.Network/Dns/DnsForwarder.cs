using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Timonier.Network.Dns;

/// <summary>
/// Asks the host's resolvers, one after the other. One that did not answer is left alone for a while, so that on a machine
/// without internet a pod's lookup fails at once and not after a time limit.
/// </summary>
internal sealed class DnsForwarder(Func<IReadOnlyList<IPEndPoint>> servers, TimeProvider time)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LeaveAlone = TimeSpan.FromSeconds(5);

    private readonly DnsCache _cache = new(time);
    private readonly Lock _lock = new();
    private readonly Dictionary<IPEndPoint, long> _silentSince = [];

    /// <summary>The upstream's answer under the query's id; null when none answered.</summary>
    public async Task<byte[]?> ForwardAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation)
    {
        if (_cache.Get(query.Span) is { } cached)
            return cached;
        foreach (var server in servers().Where(MayAsk))
        {
            using var limit = new CancellationTokenSource(AnswerLimit, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            try
            {
                // A fresh id from the system's generator and a fresh port per question: guessing both is what a forger would need.
                byte[] message = [.. query.Span];
                RandomNumberGenerator.Fill(message.AsSpan(0, 2));
                var response = overTcp
                    ? await AskOverTcpAsync(server, message, both.Token)
                    : await AskOverUdpAsync(server, message, both.Token);
                query.Span[..2].CopyTo(response);
                _cache.Put(query.Span, response);
                return response;
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
                lock (_lock)
                    _silentSince[server] = time.GetTimestamp();
            }
        }
        return null;
    }

    private bool MayAsk(IPEndPoint server)
    {
        lock (_lock)
            return !_silentSince.TryGetValue(server, out var since) || time.GetElapsedTime(since) >= LeaveAlone;
    }

    private static async Task<byte[]> AskOverUdpAsync(IPEndPoint server, byte[] message, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellation);
        await socket.SendAsync(message, cancellation);
        var buffer = new byte[4096];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation);
            if (Answers(buffer.AsSpan(0, length), message))
                return buffer[..length];
        }
    }

    private static async Task<byte[]> AskOverTcpAsync(IPEndPoint server, byte[] message, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellation);
        await using var stream = new NetworkStream(socket);
        await DnsTcp.WriteAsync(stream, message, cancellation);
        var response = await DnsTcp.ReadAsync(stream, cancellation);
        return response is not null && Answers(response, message) ? response : throw new IOException("the resolver answered another question");
    }

    /// <summary>A response to this very question (its id, and the question's bytes but for the case of letters).</summary>
    private static bool Answers(ReadOnlySpan<byte> response, ReadOnlySpan<byte> query)
    {
        if (response.Length < DnsFormat.HeaderBytes || (response[2] & 0x80) == 0 || !response[..2].SequenceEqual(query[..2])
            || BinaryPrimitives.ReadUInt16BigEndian(response[4..]) != 1)
            return false;
        var (asked, answered) = (DnsFormat.HeaderBytes, DnsFormat.HeaderBytes);
        return DnsName.TryRead(query, ref asked, out var askedName) && DnsName.TryRead(response, ref answered, out var answeredName)
            && askedName == answeredName && answered + 4 <= response.Length
            && response.Slice(answered, 4).SequenceEqual(query.Slice(asked, 4));
    }
}

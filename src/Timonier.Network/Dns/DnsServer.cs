using System.Net;
using System.Net.Sockets;

namespace Timonier.Network.Dns;

/// <summary>
/// Answers over UDP and TCP on given addresses. Questions about the cluster are answered in the receive loop; the others
/// wait for an upstream resolver, at most <see cref="ForwardsMax"/> of them at a time, and are then SERVFAIL at once.
/// </summary>
internal sealed class DnsServer(ClusterZone zone, DnsForwarder forwarder, TimeProvider time) : IAsyncDisposable
{
    private const int ForwardsMax = 256;
    private const int ConnectionsMax = 128;
    private static readonly TimeSpan ConnectionIdleMax = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _forwards = new(ForwardsMax, ForwardsMax);
    private readonly SemaphoreSlim _connections = new(ConnectionsMax, ConnectionsMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _loops = [];

    /// <summary>Where it listens, with real port numbers.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <summary>Binds both protocols to one port of each address (0: any free one) and begins to answer.</summary>
    /// <exception cref="SocketException">An address is not ours, or its port is taken.</exception>
    public void Start(IReadOnlyList<IPEndPoint> addresses)
    {
        foreach (var address in addresses)
        {
            var tcp = Open(SocketType.Stream, ProtocolType.Tcp, address);
            tcp.Listen(ConnectionsMax);
            var bound = (IPEndPoint)tcp.LocalEndPoint!;
            var udp = Open(SocketType.Dgram, ProtocolType.Udp, bound);
            EndPoints = [.. EndPoints, bound];
            _loops.Add(ServeUdpAsync(udp, _stop.Token));
            _loops.Add(ServeTcpAsync(tcp, _stop.Token));
        }
    }

    private Socket Open(SocketType type, ProtocolType protocol, IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, type, protocol);
        _sockets.Add(socket);
        socket.Bind(address);
        return socket;
    }

    private async Task ServeUdpAsync(Socket socket, CancellationToken cancellation)
    {
        var buffer = new byte[4096];
        var anyone = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, cancellation);
                var parse = DnsQuery.TryParse(buffer.AsSpan(0, received.ReceivedBytes), out var query);
                var message = buffer.AsMemory(0, received.ReceivedBytes);
                if (Answer(parse, message.Span, query, query.UdpBytes) is { } answer)
                    await socket.SendToAsync(answer, SocketFlags.None, received.RemoteEndPoint, cancellation);
                else if (parse == DnsParse.Query)
                    await ForwardUdpAsync(socket, received.RemoteEndPoint, message, query, cancellation);
            }
            catch (SocketException)
            {
                // An ICMP error of an earlier answer, or a client's address that cannot be reached: that client's loss alone.
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>Returns as soon as the forward is under way: its own task answers, and <see cref="DisposeAsync"/> waits for it.</summary>
    private async Task ForwardUdpAsync(Socket socket, EndPoint client, ReadOnlyMemory<byte> message, DnsQuery query, CancellationToken cancellation)
    {
        if (!_forwards.Wait(0, CancellationToken.None))
            await socket.SendToAsync(DnsResponse.Error(message.Span, query, DnsCode.ServerFailure), SocketFlags.None, client, cancellation);
        else
            _ = AnswerLaterAsync(message.ToArray());

        async Task AnswerLaterAsync(byte[] copy)
        {
            try
            {
                var answer = await LookUpAsync(copy, query, overTcp: false, cancellation);
                await socket.SendToAsync(answer, SocketFlags.None, client, cancellation);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client is gone, or we stop.
            }
            finally
            {
                _forwards.Release();
            }
        }
    }

    private async Task ServeTcpAsync(Socket listener, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(cancellation);
                if (_connections.Wait(0, CancellationToken.None))
                    _ = ServeConnectionAsync(socket, cancellation);
                else
                    socket.Dispose();
            }
            catch (SocketException)
            {
                // A client that left before it was accepted.
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeConnectionAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (true)
            {
                using var idle = new CancellationTokenSource(ConnectionIdleMax, time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellation);
                if (await DnsTcp.ReadAsync(stream, both.Token) is not { } message)
                    return;
                var parse = DnsQuery.TryParse(message, out var query);
                if (parse == DnsParse.Silence)
                    return;
                var answer = Answer(parse, message, query, DnsFormat.TcpBytesMax)
                    ?? await LookUpAsync(message, query, overTcp: true, both.Token);
                await DnsTcp.WriteAsync(stream, answer, both.Token);
            }
        }
        catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
        {
            // The client is gone, idle for too long, or we stop.
        }
        finally
        {
            _connections.Release();
        }
    }

    /// <summary>What can be said without asking anybody; null when there is nothing to say, or an upstream has to be asked.</summary>
    private byte[]? Answer(DnsParse parse, ReadOnlySpan<byte> message, in DnsQuery query, int bytesMax)
    {
        if (parse == DnsParse.Silence)
            return null;
        if (parse != DnsParse.Query)
            return DnsResponse.Error(message, query, parse == DnsParse.FormatError ? DnsCode.FormatError : DnsCode.NotImplemented);
        if (query.Class != DnsFormat.ClassInternet)
            return DnsResponse.Error(message, query, DnsCode.Refused);
        return zone.Resolve(query.Name, query.Type) is { Alias: null } answer ? DnsResponse.Write(message, query, answer, bytesMax) : null;
    }

    private async Task<byte[]> LookUpAsync(byte[] message, DnsQuery query, bool overTcp, CancellationToken cancellation)
    {
        if (zone.Resolve(query.Name, query.Type) is not { Alias: { } alias } answer)
            return await forwarder.ForwardAsync(message, overTcp, cancellation) ?? DnsResponse.Error(message, query, DnsCode.ServerFailure);
        var records = zone.Resolve(alias, query.Type)?.Answers ?? await LookUpAliasAsync(alias, query.Type, overTcp, cancellation);
        return DnsResponse.Write(message, query, answer with { Answers = [.. answer.Answers, .. records] }, overTcp ? DnsFormat.TcpBytesMax : query.UdpBytes);
    }

    /// <summary>Empty when no upstream answers: the client then still learns the alias.</summary>
    private async Task<IReadOnlyList<DnsRecord>> LookUpAliasAsync(string alias, DnsType type, bool overTcp, CancellationToken cancellation)
    {
        byte[] question = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. DnsName.Encode(alias), 0, (byte)type, 0, (byte)DnsFormat.ClassInternet];
        var response = await forwarder.ForwardAsync(question, overTcp, cancellation);
        return response is null ? [] : DnsRecordReader.Addresses(response);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        for (var i = 0; i < ForwardsMax; i++)
            await _forwards.WaitAsync(CancellationToken.None);
        for (var i = 0; i < ConnectionsMax; i++)
            await _connections.WaitAsync(CancellationToken.None);
        _sockets.ForEach(socket => socket.Dispose());
        _stop.Dispose();
        _forwards.Dispose();
        _connections.Dispose();
    }
}

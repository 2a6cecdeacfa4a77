using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>Passes bytes on to the server until told to cut: every connection then ends where it is, requests and answers half done.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    // Sockets, not their clients: a client that has ended meanwhile has none any more.
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly Task _accepting;

    public CuttingProxy(int serverPort)
    {
        ServerPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where new connections go.</summary>
    public int ServerPort { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void CutAll()
    {
        foreach (var one in _open.Keys)
            one.Close(0);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        CutAll();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = PassAsync(await _listener.AcceptTcpClientAsync()); // ends with its connection
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            var socket = client.Client;
            _open[socket] = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, ServerPort);
                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client.GetStream()));
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
            {
            }
            _open.TryRemove(socket, out _);
        }
    }
}

using System.Data.Common;
using System.Net.Sockets;

namespace WordSearch;

public static class Outage
{
    /// <summary>Does the error say that a server is away (its name, its port, its answer), so that trying again makes sense?</summary>
    public static bool IsOutage(this Exception error) => error is DbException or TimeoutException or IOException or SocketException;
}

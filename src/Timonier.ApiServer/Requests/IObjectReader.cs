using Timonier.Api.Kinds;

namespace Timonier.ApiServer.Requests;

/// <summary>
/// Synchronous reads of the newest state, for strategies, admission and authorization: decoded from the watch cache on
/// each call, never from the disk. What a write acknowledged, the next read shows.
/// </summary>
public interface IObjectReader
{
    /// <summary>Null when there is no such object.</summary>
    T? Get<T>(string @namespace, string name) where T : class, IKind<T>;

    /// <summary>All objects, or those of a namespace (null: all namespaces).</summary>
    IEnumerable<T> List<T>(string? @namespace = null) where T : class, IKind<T>;
}

namespace Timonier.ApiServer.Authorization.Nodes;

/// <summary>Does a node need an object for one of its pods?</summary>
public interface INodeRelations
{
    /// <summary>A no holds for all that was written before the question.</summary>
    ValueTask<bool> RelatesAsync(string node, ReferenceKind kind, string @namespace, string name, CancellationToken cancel);
}

using Timonier.Api.Core.V1;

namespace Timonier.ApiServer.Authorization.Nodes;

/// <summary>
/// Which nodes have to do with an object, because a pod of theirs names it, or names the claim of a volume that does. An answer is one or two
/// lookups. It holds counts by object and node, nothing of the pods themselves: who removes a pod says what it was. Not thread-safe.
/// </summary>
internal sealed class NodeGraph
{
    private readonly Dictionary<(ReferenceKind Kind, string Namespace, string Name), Dictionary<string, int>> _nodes = [];
    private readonly Dictionary<(string Namespace, string Name), Dictionary<(string Namespace, string Name), int>> _claimsOfSecret = [];

    /// <summary>A pod that is bound to a node.</summary>
    public void Add(Pod pod) => Count(pod, 1);

    public void Remove(Pod pod) => Count(pod, -1);

    public void Add(PersistentVolume volume) => Count(volume, 1);

    public void Remove(PersistentVolume volume) => Count(volume, -1);

    public bool Relates(string node, ReferenceKind kind, string @namespace, string name)
    {
        if (_nodes.TryGetValue((kind, @namespace, name), out var nodes) && nodes.ContainsKey(node))
            return true;
        return kind == ReferenceKind.Secret && _claimsOfSecret.TryGetValue((@namespace, name), out var claims) && claims.Keys.Any(c => Relates(node, ReferenceKind.Claim, c.Namespace, c.Name));
    }

    /// <summary>How many objects are known: none, when all pods and volumes are gone.</summary>
    public int Size => _nodes.Count + _claimsOfSecret.Count;

    private void Count(Pod pod, int by)
    {
        foreach (var (kind, name) in NodeReferences.Of(pod))
            Count(_nodes, (kind, pod.Metadata.Namespace, name), pod.Spec.NodeName, by);
    }

    private void Count(PersistentVolume volume, int by)
    {
        foreach (var secret in NodeReferences.SecretsOf(volume))
            Count(_claimsOfSecret, secret, (volume.Spec.ClaimRef!.Namespace, volume.Spec.ClaimRef.Name), by);
    }

    private static void Count<TKey, TOther>(Dictionary<TKey, Dictionary<TOther, int>> counts, TKey key, TOther other, int by) where TKey : notnull where TOther : notnull
    {
        if (!counts.TryGetValue(key, out var others))
            counts[key] = others = [];
        var count = others.GetValueOrDefault(other) + by;
        if (count > 0)
            others[other] = count;
        else if (others.Remove(other) && others.Count == 0)
            counts.Remove(key);
    }
}

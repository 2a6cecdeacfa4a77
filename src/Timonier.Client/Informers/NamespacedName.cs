using Timonier.Api.Meta.V1;

namespace Timonier.Client;

/// <summary>The name of an object within its resource; the namespace is empty for a resource without.</summary>
public readonly record struct NamespacedName(string Namespace, string Name)
{
    public static NamespacedName Of(ObjectMeta metadata) => new(metadata.Namespace, metadata.Name);

    /// <summary>"namespace/name", or the name alone.</summary>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}

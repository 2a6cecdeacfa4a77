using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;
using Timonier.Client;

namespace Timonier.Controllers.Common;

/// <summary>Who controls an object, and finding the objects that one controls without looking at all.</summary>
public static class Ownership
{
    private const string Index = "controller";

    /// <summary>The owner that manages the object; null when there is none.</summary>
    public static OwnerReference? ControllerOf(ObjectMeta metadata)
    {
        foreach (var owner in metadata.OwnerReferences)
        {
            if (owner.Controller == true)
                return owner;
        }
        return null;
    }

    public static bool IsControlledBy(ObjectMeta metadata, string uid) => ControllerOf(metadata)?.Uid == uid;

    public static OwnerReference ReferenceTo<T>(T owner) where T : class, IKind<T> => new()
    {
        ApiVersion = T.ApiVersion, Kind = T.KindName, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true, BlockOwnerDeletion = true,
    };

    public static Informer<T> WithOwnerIndex<T>(this Informer<T> informer) where T : class, IKind<T>
    {
        informer.AddIndex(Index, value => [ControllerOf(value.Metadata)?.Uid ?? OrphansOf(value.Metadata.Namespace)]);
        return informer;
    }

    public static IReadOnlyList<T> ControlledBy<T>(this Informer<T> informer, string uid) where T : class, IKind<T> => informer.ByIndex(Index, uid);

    /// <summary>The objects of a namespace that nobody controls.</summary>
    public static IReadOnlyList<T> Orphans<T>(this Informer<T> informer, string @namespace) where T : class, IKind<T> => informer.ByIndex(Index, OrphansOf(@namespace));

    // No uid has a slash.
    private static string OrphansOf(string @namespace) => "orphans/" + @namespace;
}

using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;

namespace Timonier.Controllers;

/// <summary>Owner references.</summary>
internal static class Owners
{
    /// <summary>The reference by which an object says that it belongs to <paramref name="owner"/> and is managed by its controller.</summary>
    public static OwnerReference ControllerReference<T>(T owner) where T : class, IKind<T> =>
        new() { ApiVersion = T.ApiVersion, Kind = T.KindName, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true, BlockOwnerDeletion = true };

    /// <summary>The reference to the object that manages this one; null when none does.</summary>
    public static OwnerReference? Controller(ObjectMeta metadata) => metadata.OwnerReferences.FirstOrDefault(o => o.Controller == true);
}

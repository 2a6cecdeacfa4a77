using Timonier.Api.Core.V1;
using Timonier.Client;

namespace Timonier.Controllers.VolumeProtection;

/// <summary>Keeps a volume that is being deleted while a claim has it.</summary>
internal sealed class VolumeProtectionController : Controller<string>
{
    private const string Finalizer = "kubernetes.io/pv-protection";

    private readonly Informer<PersistentVolume> _volumes;

    public VolumeProtectionController(ControllerContext context) : base("persistentvolume-protection-controller", context, workers: 1)
    {
        _volumes = Follow<PersistentVolume>();
        _volumes.AddHandler(new() { Added = Look, Updated = (_, volume) => Look(volume) });
    }

    /// <summary>The volume with the finalizer added or removed; null when it is right.</summary>
    internal static PersistentVolume? Decide(PersistentVolume volume)
    {
        var (deleting, has) = (volume.Metadata.DeletionTimestamp is not null, volume.Metadata.Finalizers.Contains(Finalizer));
        if (deleting == !has || (deleting && volume.Status.Phase == "Bound"))
            return null;
        return volume with { Metadata = volume.Metadata with { Finalizers = deleting ? [.. volume.Metadata.Finalizers.Where(f => f != Finalizer)] : [.. volume.Metadata.Finalizers, Finalizer] } };
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_volumes.Get("", key) is { } volume && Decide(volume) is { } changed)
            await Client.UpdateAsync(changed, cancellationToken);
    }

    private void Look(PersistentVolume volume)
    {
        if (Decide(volume) is not null)
            Queue.Add(volume.Metadata.Name);
    }
}

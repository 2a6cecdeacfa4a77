using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Storage.V1;
using Timonier.Client;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.LocalPath;

/// <summary>Makes volumes of class local-path on the node that the scheduler chose, and removes them when they are released.</summary>
internal sealed class LocalPathProvisioner : Controller<VolumeKey>
{
    private static readonly VolumeKey Class = new(VolumeObject.Volume, "", "");

    private readonly Informer<PersistentVolumeClaim> _claims;
    private readonly Informer<PersistentVolume> _volumes;
    private readonly Informer<StorageClass> _classes;
    private readonly Informer<Node> _nodes;
    private readonly EventRecorder _events;
    private readonly ILocalVolumes _disks;
    private readonly string _directory;

    /// <param name="directory">Where volumes are made, on every node.</param>
    public LocalPathProvisioner(ControllerContext context, ILocalVolumes disks, string directory) : base("local-path-provisioner", context, workers: 2)
    {
        (_disks, _directory) = (disks, directory);
        (_claims, _volumes, _classes, _nodes) = (Follow<PersistentVolumeClaim>(), Follow<PersistentVolume>(), Follow<StorageClass>(), Follow<Node>());
        _events = context.Events.Recorder(LocalPathDecision.Provisioner);
        _claims.AddHandler(new() { Added = Look, Updated = (_, claim) => Look(claim) });
        _volumes.AddHandler(new() { Added = Look, Updated = (_, volume) => Look(volume) });
        Queue.Add(Class);
    }

    protected override Task ReconcileAsync(VolumeKey key, CancellationToken cancellationToken) =>
        key == Class ? EnsureClassAsync(cancellationToken)
        : key.Kind == VolumeObject.Claim ? ProvisionAsync(key, cancellationToken)
        : RemoveAsync(key.Name, cancellationToken);

    /// <summary>Once, at the start: a person who deletes or changes the class afterwards is obeyed until the next start.</summary>
    private async Task EnsureClassAsync(CancellationToken cancellationToken)
    {
        if (_classes.Get("", LocalPathDecision.ClassName) is null)
            await IgnoreAsync(Client.CreateAsync(LocalPathDecision.Class, cancellationToken), e => e.IsAlreadyExists);
    }

    private async Task ProvisionAsync(VolumeKey key, CancellationToken cancellationToken)
    {
        if (_claims.Get(key.Namespace, key.Name) is not { } claim || _classes.Get("", VolumeMatch.ClassOf(claim)) is not { } @class
            || LocalPathDecision.NodeFor(claim, @class, _nodes.List()) is not { } nodeName || _volumes.Get("", LocalPathDecision.NameFor(claim)) is not null)
            return;
        var prefix = $"failed to provision volume with StorageClass \"{@class.Metadata.Name}\": ";
        if (LocalPathDecision.Refusal(claim) is { } refusal)
        {
            _events.Event(claim, EventRecorder.Warning, "ProvisioningFailed", prefix + refusal);
            return;
        }
        var node = _nodes.Get("", nodeName) ?? await Client.GetAsync<Node>("", nodeName, cancellationToken);
        var volume = LocalPathDecision.VolumeFor(claim, @class, node, _directory);
        _events.Event(claim, EventRecorder.Normal, "Provisioning", $"External provisioner is provisioning volume for claim \"{claim.Metadata.Namespace}/{claim.Metadata.Name}\"");
        try
        {
            await _disks.CreateAsync(nodeName, volume.Spec.HostPath!.Path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _events.Event(claim, EventRecorder.Warning, "ProvisioningFailed", prefix + e.Message);
            throw;
        }
        await IgnoreAsync(Client.CreateAsync(volume, cancellationToken), e => e.IsAlreadyExists);
        _events.Event(claim, EventRecorder.Normal, "ProvisioningSucceeded", $"Successfully provisioned volume {volume.Metadata.Name}");
    }

    private async Task RemoveAsync(string name, CancellationToken cancellationToken)
    {
        if (_volumes.Get("", name) is not { } volume || !LocalPathDecision.MustGo(volume))
            return;
        var hostname = LocalPathDecision.HostnameOf(volume);
        var node = _nodes.List().FirstOrDefault(n => (n.Metadata.Labels.GetValueOrDefault("kubernetes.io/hostname") ?? n.Metadata.Name) == hostname);
        try
        {
            await _disks.RemoveAsync(node?.Metadata.Name ?? hostname, volume.Spec.HostPath!.Path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _events.Event(volume, EventRecorder.Warning, "VolumeFailedDelete", e.Message);
            await Client.UpdateStatusAsync(volume with { Status = volume.Status with { Phase = "Failed", Message = e.Message, LastPhaseTransitionTime = Now } }, cancellationToken);
            return;
        }
        await IgnoreAsync(Client.DeleteAsync<PersistentVolume>("", name, new() { Preconditions = new() { Uid = volume.Metadata.Uid } }, cancellationToken), e => e.IsNotFound);
    }

    private static async Task IgnoreAsync(Task write, Func<ApiException, bool> harmless)
    {
        try
        {
            await write;
        }
        catch (ApiException e) when (harmless(e))
        {
            // Somebody else was faster.
        }
    }

    private void Look(PersistentVolumeClaim claim)
    {
        if (claim.Spec.VolumeName.Length == 0)
            Queue.Add(new(VolumeObject.Claim, claim.Metadata.Namespace, claim.Metadata.Name));
    }

    private void Look(PersistentVolume volume)
    {
        if (LocalPathDecision.MustGo(volume))
            Queue.Add(new(VolumeObject.Volume, "", volume.Metadata.Name));
    }
}

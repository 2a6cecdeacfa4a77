using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Controllers.LocalPath;
using Timonier.Controllers.Tests.VolumeBinding;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.Tests.LocalPath;

public sealed class LocalPathTests : ControllerTest, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timonier-volumes").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task ClaimOfADefaultClass_GetsADirectoryOnItsNode_WhichGoesWithTheClaim()
    {
        using var binder = new VolumeBinder(Context);
        using var provisioner = new LocalPathProvisioner(Context, new LocalVolumes("n", _directory), _directory);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n", Labels = new Dictionary<string, string> { ["kubernetes.io/hostname"] = "host" } } });
        await WorkAsync(provisioner);
        var created = await Client.GetAsync<StorageClass>("", "local-path");
        Assert.Equal(("timonier.dev/local-path", "WaitForFirstConsumer", "Delete", "true"), (created.Provisioner, created.VolumeBindingMode, created.ReclaimPolicy, created.Metadata.Annotations["storageclass.kubernetes.io/is-default-class"]));

        var claim = VolumeMatchTests.Claim(@class: "local-path", modes: "ReadWriteMany");
        await Client.CreateAsync(claim with { Metadata = claim.Metadata with { Annotations = new Dictionary<string, string> { ["volume.kubernetes.io/selected-node"] = "n" } } });
        await WorkAsync(binder);
        await WorkAsync(provisioner);
        await WorkAsync(binder);
        var bound = await Client.GetAsync<PersistentVolumeClaim>("ns", "c");
        Assert.Equal(("Bound", "pvc-c-uid"), (bound.Status.Phase, bound.Spec.VolumeName));
        var volume = await Client.GetAsync<PersistentVolume>("", "pvc-c-uid");
        Assert.Equal("host", volume.Spec.NodeAffinity!.Required!.NodeSelectorTerms[0].MatchExpressions[0].Values[0]);
        Assert.Equal(Path.Combine(_directory, "pvc-c-uid"), volume.Spec.HostPath!.Path);
        Assert.Equal(511, (int)File.GetUnixFileMode(volume.Spec.HostPath.Path));
        var events = await EventsAsync();
        Assert.Contains("Normal ProvisioningSucceeded Successfully provisioned volume pvc-c-uid", events);

        await File.WriteAllTextAsync(Path.Combine(volume.Spec.HostPath.Path, "data"), "x");
        await Client.DeleteAsync<PersistentVolumeClaim>("ns", "c");
        await WorkAsync(binder);
        await WorkAsync(provisioner);
        Assert.Empty(await ListAsync<PersistentVolume>());
        Assert.False(Directory.Exists(volume.Spec.HostPath.Path));
    }

    [Fact]
    public async Task DirectoryCannotBeRemoved_VolumeFailsAndSaysWhy()
    {
        using var provisioner = new LocalPathProvisioner(Context, new LocalVolumes("n", _directory), _directory);
        var volume = LocalPathDecision.VolumeFor(VolumeMatchTests.Claim(), LocalPathDecision.Class, new() { Metadata = new() { Name = "far" } }, _directory);
        await Client.CreateAsync(volume with { Status = new() { Phase = "Released" } });
        await WorkAsync(provisioner);
        Assert.Equal("Failed", Assert.Single(await ListAsync<PersistentVolume>()).Status.Phase);
        Assert.Contains(await EventsAsync(), e => e.StartsWith("Warning VolumeFailedDelete the volume's directory is on node far", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PathOutsideTheDirectory_IsRefused()
    {
        var disks = new LocalVolumes("n", _directory);
        await Assert.ThrowsAsync<IOException>(() => disks.RemoveAsync("n", _directory + "/../other", default));
        await Assert.ThrowsAsync<IOException>(() => disks.RemoveAsync("n", _directory, default));
        await Assert.ThrowsAsync<IOException>(() => disks.CreateAsync("n", "/etc", default));
    }

    [Fact]
    public void ClaimsThatItCannotServe_AreRefused()
    {
        var claim = VolumeMatchTests.Claim();
        Assert.Null(LocalPathDecision.Refusal(claim));
        Assert.NotNull(LocalPathDecision.Refusal(claim with { Spec = claim.Spec with { VolumeMode = "Block" } }));
        Assert.NotNull(LocalPathDecision.Refusal(claim with { Spec = claim.Spec with { DataSource = new() } }));
        Assert.NotNull(LocalPathDecision.Refusal(claim with { Spec = claim.Spec with { Selector = new() } }));
    }
}

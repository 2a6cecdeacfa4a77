using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.Tests.VolumeBinding;

public sealed class VolumeBinderTests : ControllerTest
{
    private Task<PersistentVolumeClaim> ClaimAsync() => Client.GetAsync<PersistentVolumeClaim>("ns", "c");

    private Task<PersistentVolume> VolumeAsync() => Client.GetAsync<PersistentVolume>("", "v");

    private async Task<string> StateAsync()
    {
        var claim = await Client.TryGetAsync<PersistentVolumeClaim>("ns", "c");
        var volume = await Client.TryGetAsync<PersistentVolume>("", "v");
        return $"{claim?.Status.Phase}/{claim?.Spec.VolumeName} {volume?.Status.Phase}/{volume?.Spec.ClaimRef?.Uid}";
    }

    [Fact]
    public async Task ClaimAndVolume_AreBound_AndTheVolumeIsReleasedAfterwards()
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim());
        await WorkAsync(binder);
        Assert.Equal("Pending/ /", await StateAsync());
        Assert.Equal("Normal FailedBinding no persistent volumes available for this claim and no storage class is set", Assert.Single(await EventsAsync()));

        await Client.CreateAsync(VolumeMatchTests.Volume("v", phase: ""));
        await WorkAsync(binder);
        Assert.Equal("Bound/v Bound/c-uid", await StateAsync());
        var claim = await ClaimAsync();
        Assert.Equal(("yes", "yes"), (claim.Metadata.Annotations["pv.kubernetes.io/bind-completed"], claim.Metadata.Annotations["pv.kubernetes.io/bound-by-controller"]));
        Assert.Equal("10Gi", claim.Status.Capacity["storage"].ToString());
        Assert.Equal("yes", (await VolumeAsync()).Metadata.Annotations["pv.kubernetes.io/bound-by-controller"]);

        await Client.DeleteAsync<PersistentVolumeClaim>("ns", "c");
        await WorkAsync(binder);
        Assert.Equal("/ Released/c-uid", await StateAsync());
    }

    [Fact]
    public async Task BoundClaimLosesItsVolume_IsLost()
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim());
        await Client.CreateAsync(VolumeMatchTests.Volume("v"));
        await WorkAsync(binder);
        await Client.DeleteAsync<PersistentVolume>("", "v");
        await WorkAsync(binder);
        Assert.Equal("Lost/v /", await StateAsync());
        Assert.Contains("Warning ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!", await EventsAsync());
    }

    [Fact]
    public async Task ClaimThatNamesItsVolume_IsBoundToIt_OrToldWhyNot()
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim(size: "50Gi", volume: "v"));
        await Client.CreateAsync(VolumeMatchTests.Volume("v"));
        await WorkAsync(binder);
        Assert.Equal("Pending/v Available/", await StateAsync());
        Assert.Contains("Warning VolumeMismatch Cannot bind to requested volume \"v\": requested PV is too small", await EventsAsync());

        var claim = await ClaimAsync();
        await Client.UpdateAsync(claim with { Spec = VolumeMatchTests.Claim(volume: "v").Spec });
        await WorkAsync(binder);
        Assert.Equal("Bound/v Bound/c-uid", await StateAsync());
        Assert.False((await ClaimAsync()).Metadata.Annotations.ContainsKey("pv.kubernetes.io/bound-by-controller"));
    }

    [Fact]
    public async Task VolumeThatNamesItsClaim_WaitsForIt_AndKeepsTheNameWhenTheClaimIsBoundElsewhere()
    {
        using var binder = new VolumeBinder(Context);
        var volume = VolumeMatchTests.Volume("v");
        await Client.CreateAsync(volume with { Spec = volume.Spec with { ClaimRef = new() { Namespace = "ns", Name = "c" } } });
        await WorkAsync(binder);
        Assert.Equal("/ Available/", await StateAsync());
        await Client.CreateAsync(VolumeMatchTests.Claim());
        await WorkAsync(binder);
        Assert.Equal("Bound/v Bound/c-uid", await StateAsync());
        Assert.False((await VolumeAsync()).Metadata.Annotations.ContainsKey("pv.kubernetes.io/bound-by-controller"));
        var released = VolumeDecision.Release(await VolumeAsync());
        Assert.Equal(("c", ""), (released.Spec.ClaimRef!.Name, released.Spec.ClaimRef.Uid));
    }

    [Fact]
    public async Task DynamicClass_WaitsForItsFirstPod_ThenItsProvisionerIsAsked()
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(new StorageClass { Metadata = new() { Name = "dyn" }, Provisioner = "example.com/p", VolumeBindingMode = "WaitForFirstConsumer" });
        await Client.CreateAsync(VolumeMatchTests.Claim(@class: "dyn"));
        await WorkAsync(binder);
        Assert.Equal("Normal WaitForFirstConsumer waiting for first consumer to be created before binding", Assert.Single(await EventsAsync()));
        var claim = await ClaimAsync();
        Assert.False(claim.Metadata.Annotations.ContainsKey("volume.kubernetes.io/storage-provisioner"));

        await Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Annotations = new Dictionary<string, string> { ["volume.kubernetes.io/selected-node"] = "n" } } });
        await WorkAsync(binder);
        Assert.Equal("example.com/p", (await ClaimAsync()).Metadata.Annotations["volume.kubernetes.io/storage-provisioner"]);
        Assert.Contains(await EventsAsync(), e => e.StartsWith("Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'example.com/p'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("none", "Warning ProvisioningFailed storageclass.storage.k8s.io \"none\" not found")]
    [InlineData("static", "Warning ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner")]
    public async Task ClassThatCannotProvision_IsSaid(string @class, string wanted)
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(new StorageClass { Metadata = new() { Name = "static" }, Provisioner = "kubernetes.io/no-provisioner" });
        await Client.CreateAsync(VolumeMatchTests.Claim(@class: @class));
        await WorkAsync(binder);
        Assert.Contains(wanted, await EventsAsync());
    }

    [Fact]
    public async Task ClaimWithoutClass_GetsTheNewestDefaultWhenThereIsOne()
    {
        using var binder = new VolumeBinder(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim(@class: null));
        await WorkAsync(binder);
        Assert.Null((await ClaimAsync()).Spec.StorageClassName);
        var annotations = new Dictionary<string, string> { ["storageclass.kubernetes.io/is-default-class"] = "true" };
        await Client.CreateAsync(new StorageClass { Metadata = new() { Name = "old", Annotations = annotations, CreationTimestamp = DateTimeOffset.UnixEpoch }, Provisioner = "p" });
        await Client.CreateAsync(new StorageClass { Metadata = new() { Name = "new", Annotations = annotations }, Provisioner = "p" });
        await WorkAsync(binder);
        Assert.Equal("new", (await ClaimAsync()).Spec.StorageClassName);
    }

    // phase, reclaim policy, provisioned, claim: none, same, elsewhere, unbound -> phase/unbind/look
    [Theory]
    [InlineData("Bound", "Retain", false, "none", "Released//")]
    [InlineData("Bound", "Delete", true, "none", "Released//")]
    [InlineData("Bound", "Delete", false, "none", "Failed//")]
    [InlineData("Bound", "Recycle", false, "none", "Failed//")]
    [InlineData("Released", "Retain", false, "none", "//")]
    [InlineData("Available", "Retain", false, "same", "Bound//")]
    [InlineData("Available", "Retain", false, "unbound", "//look")]
    [InlineData("Available", "Retain", false, "elsewhere", "/unbind/")]
    [InlineData("Available", "Delete", true, "elsewhere", "Released//")]
    public void VolumeDecision_FollowsTheClaim(string phase, string policy, bool provisioned, string claimState, string wanted)
    {
        var volume = VolumeMatchTests.Volume("v", phase: phase, policy: policy);
        volume = volume with { Spec = volume.Spec with { ClaimRef = new() { Namespace = "ns", Name = "c", Uid = "c-uid" } } };
        if (provisioned)
            volume = volume with { Metadata = volume.Metadata with { Annotations = new Dictionary<string, string> { ["pv.kubernetes.io/provisioned-by"] = "p" } } };
        var claim = claimState == "none" ? null : VolumeMatchTests.Claim(volume: claimState switch { "same" => "v", "elsewhere" => "w", _ => "" });
        var action = VolumeDecision.Decide(volume, claim);
        Assert.Equal(wanted, $"{action.Phase}/{(action.Unbind ? "unbind" : "")}/{(action.LookAtClaim ? "look" : "")}");
    }
}

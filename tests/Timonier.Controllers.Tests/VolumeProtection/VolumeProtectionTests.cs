using Timonier.Api.Core.V1;
using Timonier.Controllers.Tests.VolumeBinding;
using Timonier.Controllers.VolumeProtection;

namespace Timonier.Controllers.Tests.VolumeProtection;

public sealed class VolumeProtectionTests : ControllerTest
{
    [Fact]
    public async Task DeletedClaim_StaysWhileAPodOnANodeUsesIt()
    {
        using var controller = new ClaimProtectionController(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim());
        await WorkAsync(controller);
        Assert.Equal(["kubernetes.io/pvc-protection"], (await Client.GetAsync<PersistentVolumeClaim>("ns", "c")).Metadata.Finalizers);

        Volume[] volumes = [new() { Name = "d", PersistentVolumeClaim = new() { ClaimName = "c" } }];
        await Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "p" }, Spec = new() { NodeName = "n", Volumes = volumes } });
        await Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "waiting" }, Spec = new() { Volumes = volumes } });
        await Client.DeleteAsync<PersistentVolumeClaim>("ns", "c");
        await WorkAsync(controller);
        Assert.Single(await ListAsync<PersistentVolumeClaim>());

        await Client.DeleteAsync<Pod>("ns", "p");
        await WorkAsync(controller);
        Assert.Empty(await ListAsync<PersistentVolumeClaim>());
    }

    [Fact]
    public async Task DeletedVolume_StaysWhileItIsBound()
    {
        using var controller = new VolumeProtectionController(Context);
        await Client.CreateAsync(VolumeMatchTests.Volume("v", phase: "Bound"));
        await WorkAsync(controller);
        await Client.DeleteAsync<PersistentVolume>("", "v");
        await WorkAsync(controller);
        var volume = Assert.Single(await ListAsync<PersistentVolume>());
        await Client.UpdateStatusAsync(volume with { Status = new() { Phase = "Released" } });
        await WorkAsync(controller);
        Assert.Empty(await ListAsync<PersistentVolume>());
    }
}

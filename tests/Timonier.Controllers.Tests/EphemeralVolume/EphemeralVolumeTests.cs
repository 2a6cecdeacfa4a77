using Timonier.Api.Core.V1;
using Timonier.Controllers.EphemeralVolume;
using Timonier.Controllers.Tests.VolumeBinding;

namespace Timonier.Controllers.Tests.EphemeralVolume;

public sealed class EphemeralVolumeTests : ControllerTest
{
    private Task<Pod> CreatePodAsync() => Client.CreateAsync(new Pod
    {
        Metadata = new() { Namespace = "ns", Name = "p", Uid = "p-uid" },
        Spec = new() { Volumes = [new() { Name = "scratch", Ephemeral = new() { VolumeClaimTemplate = new() { Metadata = new() { Labels = new Dictionary<string, string> { ["a"] = "b" } }, Spec = VolumeMatchTests.Claim().Spec } } }] },
    });

    [Fact]
    public async Task PodWithEphemeralVolume_GetsAClaimOfItsOwn()
    {
        using var controller = new EphemeralVolumeController(Context);
        await CreatePodAsync();
        await WorkAsync(controller);
        var claim = await Client.GetAsync<PersistentVolumeClaim>("ns", "p-scratch");
        Assert.Equal(("p-uid", "Pod", true, "b"), (claim.Metadata.OwnerReferences[0].Uid, claim.Metadata.OwnerReferences[0].Kind, claim.Metadata.OwnerReferences[0].Controller, claim.Metadata.Labels["a"]));
    }

    [Fact]
    public async Task ClaimOfTheNameIsSomebodyElses_IsLeftAlone()
    {
        using var controller = new EphemeralVolumeController(Context);
        await Client.CreateAsync(VolumeMatchTests.Claim() with { Metadata = new() { Namespace = "ns", Name = "p-scratch" } });
        await CreatePodAsync();
        await WorkAsync(controller);
        Assert.Empty((await Client.GetAsync<PersistentVolumeClaim>("ns", "p-scratch")).Metadata.OwnerReferences);
        Assert.Equal(1, controller.Queue.Failures(new("ns", "p")));
    }
}

using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Controllers.VolumeBinding;

namespace Timonier.Controllers.Tests.VolumeBinding;

public class VolumeMatchTests
{
    internal static PersistentVolumeClaim Claim(string size = "5Gi", string? @class = "", string volume = "", string modes = "ReadWriteOnce") => new()
    {
        Metadata = new() { Namespace = "ns", Name = "c", Uid = "c-uid" },
        Spec = new() { AccessModes = modes.Split(','), StorageClassName = @class, VolumeName = volume, Resources = new() { Requests = new Dictionary<string, Quantity> { ["storage"] = Quantity.Parse(size) } } },
    };

    internal static PersistentVolume Volume(string name, string size = "10Gi", string @class = "", string modes = "ReadWriteOnce", string phase = "Available", string policy = "Retain", string label = "") => new()
    {
        Metadata = new() { Name = name, Uid = name + "-uid", Labels = new Dictionary<string, string> { ["l"] = label } },
        Spec = new() { AccessModes = modes.Split(','), StorageClassName = @class, PersistentVolumeReclaimPolicy = policy, Capacity = new Dictionary<string, Quantity> { ["storage"] = Quantity.Parse(size) } },
        Status = new() { Phase = phase },
    };

    [Fact]
    public void Best_IsTheSmallestThatFits() =>
        Assert.Equal("b", VolumeMatch.Best(Claim(), [Volume("a", "100Gi"), Volume("b", "6Gi"), Volume("c", "1Gi"), Volume("d", "7Gi")], false)!.Metadata.Name);

    [Fact]
    public void FewerAccessModes_ArePreferredOverASmallerSize() =>
        Assert.Equal("b", VolumeMatch.Best(Claim(), [Volume("a", "6Gi", modes: "ReadWriteOnce,ReadWriteMany"), Volume("b", "50Gi")], false)!.Metadata.Name);

    public static TheoryData<string, PersistentVolume, PersistentVolumeClaim> Unfit => new()
    {
        { "too small", Volume("v", "1Gi"), Claim() },
        { "other class", Volume("v", @class: "fast"), Claim() },
        { "access mode", Volume("v"), Claim(modes: "ReadWriteMany") },
        { "volume mode", Volume("v") with { Spec = Volume("v").Spec with { VolumeMode = "Block" } }, Claim() },
        { "not available", Volume("v", phase: "Released"), Claim() },
        { "of another claim", Volume("v") with { Spec = Volume("v").Spec with { ClaimRef = new() { Namespace = "ns", Name = "other" } } }, Claim() },
        { "of an earlier claim of the name", Volume("v") with { Spec = Volume("v").Spec with { ClaimRef = new() { Namespace = "ns", Name = "c", Uid = "earlier" } } }, Claim() },
        { "selector", Volume("v", label: "x"), Claim() with { Spec = Claim().Spec with { Selector = new() { MatchLabels = new Dictionary<string, string> { ["l"] = "y" } } } } },
        { "being deleted", Volume("v") with { Metadata = new() { Name = "v", DeletionTimestamp = DateTimeOffset.UnixEpoch } }, Claim() },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public void UnfitVolume_IsNotTaken(string why, PersistentVolume volume, PersistentVolumeClaim claim) => Assert.True(VolumeMatch.Best(claim, [volume], false) is null, why);

    [Fact]
    public void VolumeMadeForTheClaim_IsTakenBeforeOthers_EvenWhenTheClaimWaits()
    {
        var own = Volume("own", "100Gi", phase: "Pending") with { Spec = Volume("own").Spec with { ClaimRef = new() { Namespace = "ns", Name = "c" } } };
        Assert.Equal("own", VolumeMatch.Best(Claim(), [Volume("a", "6Gi"), own], delayed: false)!.Metadata.Name);
        Assert.Equal("own", VolumeMatch.Best(Claim(), [Volume("a", "6Gi"), own], delayed: true)!.Metadata.Name);
        Assert.Null(VolumeMatch.Best(Claim(), [Volume("a", "6Gi")], delayed: true));
    }
}

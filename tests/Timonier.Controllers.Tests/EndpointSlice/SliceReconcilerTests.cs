using Timonier.Api.Discovery.V1;
using Timonier.Controllers.EndpointSlice;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;

namespace Timonier.Controllers.Tests.EndpointSlices;

public class SliceReconcilerTests
{
    private static readonly SliceOwner Owner = EndpointSliceController.Owner(PodEndpointsTests.Service());
    private static readonly EndpointPort[] Ports = [new() { Name = "http", Port = 80, Protocol = "TCP" }];

    private static Endpoint Endpoint(int number) => new() { Addresses = [$"10.0.0.{number}"], Conditions = new() { Ready = true } };

    private static Slice Slice(string name, int first, int count) => new()
    {
        Metadata = new() { Namespace = "ns", Name = name, Labels = Owner.Labels, OwnerReferences = [Owner.Reference] },
        AddressType = "IPv4", Ports = Ports, Endpoints = [.. Enumerable.Range(first, count).Select(Endpoint)],
    };

    private static SliceGroup Want(params int[] numbers) => new("IPv4", Ports, [.. numbers.Select(Endpoint)]);

    private static string Text(SliceChanges c) =>
        string.Join(' ', c.Create.Select(s => $"+{s.Endpoints.Count}").Concat(c.Update.Select(s => $"~{s.Metadata.Name}:{s.Endpoints.Count}")).Concat(c.Delete.Select(s => $"-{s.Metadata.Name}")));

    public static TheoryData<string, string, int[], string> Cases => new()
    {
        // existing slices "name:first:count", wanted endpoints, changes; three endpoints to a slice
        { "", "nothing there", [1, 2, 3, 4, 5, 6, 7], "+3 +3 +1" },
        { "a:1:3", "nothing changes", [1, 2, 3], "" },
        { "a:1:2", "room in the slice", [1, 2, 3], "~a:3" },
        { "a:1:3", "no room", [1, 2, 3, 4], "+1" },
        { "a:1:3 b:4:1", "the rest fits the unchanged slice with least room", [1, 2, 3, 4, 5, 6], "~b:3" },
        { "a:1:3 b:4:3", "a changing slice is filled", [1, 2, 4, 5, 6, 7], "~a:3" },
        { "a:1:3 b:4:3", "an emptied slice goes", [1, 2, 3], "-b" },
        { "a:1:1", "an emptied slice is used again", [9], "~a:1" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Endpoints_MoveAsLittleAsPossible(string existing, string why, int[] wanted, string changes)
    {
        var slices = existing.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Split(':')).Select(p => Slice(p[0], int.Parse(p[1], null), int.Parse(p[2], null)));
        Assert.True(changes == Text(SliceReconciler.Decide(Owner, slices, [Want(wanted)], endpointsMax: 3)), why);
    }

    [Fact]
    public void NewSlice_IsOwnedAndLabelled()
    {
        var slice = Assert.Single(SliceReconciler.Decide(Owner, [], [Want(1)]).Create);
        Assert.Equal("svc-", slice.Metadata.GenerateName);
        Assert.Equal(new Dictionary<string, string> { ["l"] = "v", ["kubernetes.io/service-name"] = "svc", ["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io" }, slice.Metadata.Labels);
        Assert.Equal(("v1", "Service", "svc", "svc-uid", true), (slice.Metadata.OwnerReferences[0].ApiVersion, slice.Metadata.OwnerReferences[0].Kind, slice.Metadata.OwnerReferences[0].Name, slice.Metadata.OwnerReferences[0].Uid, slice.Metadata.OwnerReferences[0].Controller!.Value));
    }

    [Fact]
    public void NoEndpoints_OnePlaceholderIsKept()
    {
        var placeholder = new SliceGroup("IPv4", [], [], KeepEmpty: true);
        Assert.Equal("+0 -a", Text(SliceReconciler.Decide(Owner, [Slice("a", 1, 2)], [placeholder])));
        Assert.Equal("", Text(SliceReconciler.Decide(Owner, [Slice("p", 1, 0) with { Ports = [] }], [placeholder])));
    }

    [Fact]
    public void OtherPortsLabelsOrCondition_AreChanges()
    {
        Assert.Equal("+1 -a", Text(SliceReconciler.Decide(Owner, [Slice("a", 1, 1) with { Ports = [new() { Name = "http", Port = 81, Protocol = "TCP" }] }], [Want(1)])));
        Assert.Equal("~a:1", Text(SliceReconciler.Decide(Owner with { Labels = new Dictionary<string, string>(Owner.Labels) { ["new"] = "1" } }, [Slice("a", 1, 1)], [Want(1)])));
        Assert.Equal("~a:1", Text(SliceReconciler.Decide(Owner, [Slice("a", 1, 1) with { Endpoints = [Endpoint(1) with { Conditions = new() { Ready = false } }] }], [Want(1)])));
    }

    [Fact]
    public void LongServiceName_LeavesRoomForTheSuffix()
    {
        var slice = Assert.Single(SliceReconciler.Decide(Owner with { ServiceName = new string('s', 63) }, [], [Want(1)]).Create);
        Assert.Equal(58, slice.Metadata.GenerateName.Length);
    }
}

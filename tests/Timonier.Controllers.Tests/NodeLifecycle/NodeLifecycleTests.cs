using Timonier.Api.Coordination.V1;
using Timonier.Api.Core.V1;
using Timonier.Controllers.NodeLifecycle;

namespace Timonier.Controllers.Tests.NodeLifecycle;

public sealed class NodeLifecycleTests : ControllerTest
{
    private Task<Node> CreateAsync(string name, string ready = "True") => Client.CreateAsync(new Node
    {
        Metadata = new() { Name = name }, Status = new() { Conditions = [new() { Type = "Ready", Status = ready, LastHeartbeatTime = Time.GetUtcNow() }, new() { Type = "MemoryPressure", Status = "False" }] },
    });

    private async Task RenewAsync(string name)
    {
        var known = await Client.TryGetAsync<Lease>("kube-node-lease", name);
        var lease = (known ?? new() { Metadata = new() { Namespace = "kube-node-lease", Name = name } }) with { Spec = new() { RenewTime = Time.GetUtcNow() } };
        _ = known is null ? await Client.CreateAsync(lease) : await Client.UpdateAsync(lease);
    }

    private async Task<string> StateAsync(string name)
    {
        var node = await Client.GetAsync<Node>("", name);
        return string.Join(' ', node.Status.Conditions.Where(c => c.Type == "Ready").Select(c => $"{c.Status}/{c.Reason}").Concat(node.Spec.Taints.Select(t => $"{t.Key["node.kubernetes.io/".Length..]}:{t.Effect}")));
    }

    [Fact]
    public async Task NodeWhoseLeaseIsRenewed_StaysReady_AndASilentOneBecomesUnknown()
    {
        using var controller = new NodeLifecycleController(Context);
        await CreateAsync("a");
        await CreateAsync("b");
        var pod = await Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "p" }, Spec = new() { NodeName = "b" }, Status = new() { Conditions = [new() { Type = "Ready", Status = "True" }] } });
        for (var i = 0; i < 5; i++)
        {
            await RenewAsync("a");
            await WorkAsync(controller);
            Time.Advance(TimeSpan.FromSeconds(10));
        }
        await WorkAsync(controller);
        Assert.Equal("True/", await StateAsync("a"));
        Assert.Equal("Unknown/NodeStatusUnknown unreachable:NoSchedule unreachable:NoExecute", await StateAsync("b"));
        Assert.Equal("False", (await Client.GetAsync<Pod>("ns", pod.Metadata.Name)).Status.Conditions[0].Status);
        var events = await EventsAsync();
        Assert.Contains("Normal RegisteredNode Node a event: Registered Node a in Controller", events);
        Assert.Contains("Normal NodeNotReady Node b status is now: NodeNotReady", events);
        Assert.Contains("Warning NodeNotReady Node is not ready", events);
    }

    [Fact]
    public async Task NodeComesBack_TaintsGo()
    {
        using var controller = new NodeLifecycleController(Context);
        await CreateAsync("a", "Unknown");
        await WorkAsync(controller);
        Assert.Equal("Unknown/ unreachable:NoSchedule", await StateAsync("a"));
        var node = await Client.GetAsync<Node>("", "a");
        await Client.UpdateStatusAsync(node with { Status = new() { Conditions = [new() { Type = "Ready", Status = "True" }] } });
        await WorkAsync(controller);
        Assert.Equal("True/", await StateAsync("a"));
    }

    [Fact]
    public async Task NeverHeardOf_HasAMinute()
    {
        using var controller = new NodeLifecycleController(Context);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "a" } });
        await WorkAsync(controller);
        Time.Advance(TimeSpan.FromSeconds(59));
        await WorkAsync(controller);
        Assert.Empty((await Client.GetAsync<Node>("", "a")).Status.Conditions);
        Time.Advance(TimeSpan.FromSeconds(1));
        await WorkAsync(controller);
        Assert.Equal("Unknown/NodeStatusNeverUpdated unreachable:NoSchedule", await StateAsync("a"));
    }

    [Fact]
    public async Task ManyNodesFailAtOnce_AreEmptiedOneByOne()
    {
        using var controller = new NodeLifecycleController(Context);
        await CreateAsync("a");
        await CreateAsync("b", "False");
        await CreateAsync("c", "False");
        await WorkAsync(controller);
        Assert.Equal(["not-ready:NoSchedule not-ready:NoExecute", "not-ready:NoSchedule"], new[] { await StateAsync("b"), await StateAsync("c") }.Select(s => s["False/ ".Length..]));
        Time.Advance(TimeSpan.FromSeconds(10));
        await WorkAsync(controller);
        Assert.EndsWith("NoExecute", await StateAsync("c"), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, bool, string, string, string> TaintCases => new()
    {
        // ready, memory pressure, unschedulable, taints before, may evict; taints after
        { "True", "False", false, "x:NoSchedule", "", "x:NoSchedule" },
        { "False", "False", false, "", "", "not-ready:NoSchedule" },
        { "", "False", false, "not-ready:NoSchedule", "", "not-ready:NoSchedule" },
        { "", "False", false, "", "evict", "" },
        { "False", "False", false, "", "evict", "not-ready:NoSchedule not-ready:NoExecute" },
        { "Unknown", "False", false, "not-ready:NoSchedule not-ready:NoExecute", "", "unreachable:NoSchedule unreachable:NoExecute" },
        { "True", "True", true, "not-ready:NoExecute", "", "memory-pressure:NoSchedule unschedulable:NoSchedule" },
        { "True", "False", false, "unschedulable:NoSchedule not-ready:PreferNoSchedule", "", "not-ready:PreferNoSchedule" },
    };

    [Theory]
    [MemberData(nameof(TaintCases))]
    public void Taints_FollowConditions(string ready, string pressure, bool unschedulable, string before, string evict, string after)
    {
        var node = new Node
        {
            Spec = new() { Unschedulable = unschedulable, Taints = [.. before.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => t.Split(':')).Select(p => new Taint { Key = "node.kubernetes.io/" + p[0], Effect = p[1] })] },
            Status = new() { Conditions = [.. ready.Length > 0 ? new NodeCondition[] { new() { Type = "Ready", Status = ready } } : [], new() { Type = "MemoryPressure", Status = pressure }] },
        };
        var taints = NodeHealth.Taints(node, evict.Length > 0, Time.GetUtcNow()) ?? node.Spec.Taints;
        Assert.Equal(after, string.Join(' ', taints.Select(t => $"{t.Key["node.kubernetes.io/".Length..]}:{t.Effect}")));
    }
}

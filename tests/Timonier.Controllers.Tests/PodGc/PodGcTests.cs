using Timonier.Api.Core.V1;
using Timonier.Controllers.PodGc;

namespace Timonier.Controllers.Tests.PodGc;

public sealed class PodGcTests : ControllerTest
{
    private Task<Pod> CreateAsync(string name, string node = "", string phase = "Running", bool deleting = false, string reason = "", int age = 0) => Client.CreateAsync(new Pod
    {
        Metadata = new() { Namespace = "ns", Name = name, DeletionTimestamp = deleting ? Time.GetUtcNow() : null, CreationTimestamp = Time.GetUtcNow() - TimeSpan.FromMinutes(age) },
        Spec = new() { NodeName = node }, Status = new() { Phase = phase, Reason = reason },
    });

    private async Task<string> NamesAsync() => string.Join(' ', (await ListAsync<Pod>()).Select(p => p.Metadata.Name));

    [Fact]
    public async Task NeverScheduledAndDeleting_IsForcedOut()
    {
        Api.PodsLinger = true;
        using var controller = new PodGcController(Context);
        await CreateAsync("a", deleting: true);
        await CreateAsync("b");
        await CreateAsync("c", node: "n", deleting: true);
        await WorkAsync(controller);
        Assert.Equal("b c", await NamesAsync());
    }

    [Fact]
    public async Task NodeGone_PodsFailAndGoAfterTheQuarantine()
    {
        Api.PodsLinger = true;
        using var controller = new PodGcController(Context);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n" } });
        await CreateAsync("a", node: "n");
        await WorkAsync(controller);
        await Client.DeleteAsync<Node>("", "n");
        Time.Advance(TimeSpan.FromSeconds(39));
        await WorkAsync(controller);
        Assert.Equal("a", await NamesAsync());
        Time.Advance(TimeSpan.FromSeconds(1));
        await WorkAsync(controller);
        Assert.Equal("", await NamesAsync());
        Assert.Equal(["PUT /api/v1/namespaces/ns/pods/a/status", "DELETE /api/v1/namespaces/ns/pods/a"], Api.Writes.TakeLast(2));
    }

    [Fact]
    public async Task NodeComesBackInTime_PodsStay()
    {
        using var controller = new PodGcController(Context);
        await CreateAsync("a", node: "n");
        await WorkAsync(controller);
        await Client.CreateAsync(new Node { Metadata = new() { Name = "n" } });
        Time.Advance(TimeSpan.FromMinutes(2));
        await WorkAsync(controller);
        Assert.Equal("a", await NamesAsync());
    }

    [Fact]
    public async Task TooManyEnded_EvictedThenOldestGo()
    {
        using var controller = new PodGcController(Context, terminatedMax: 2);
        await CreateAsync("new", phase: "Succeeded", age: 1);
        await CreateAsync("old", phase: "Failed", age: 5);
        await CreateAsync("evicted", phase: "Failed", reason: "Evicted", age: 2);
        await CreateAsync("mid", phase: "Succeeded", age: 3);
        await CreateAsync("run", age: 9);
        await WorkAsync(controller);
        Assert.Equal("mid new run", await NamesAsync());
    }

    [Fact]
    public void Orphaned_SaysThatItsNodeIsGone()
    {
        var status = PodGcDecision.Orphaned(new() { Status = new() { Phase = "Running" } }, Time.GetUtcNow())!;
        var condition = Assert.Single(status.Conditions);
        Assert.Equal(("Failed", "DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists"), (status.Phase, condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.Null(PodGcDecision.Orphaned(new() { Status = new() { Phase = "Succeeded" } }, Time.GetUtcNow()));
    }
}

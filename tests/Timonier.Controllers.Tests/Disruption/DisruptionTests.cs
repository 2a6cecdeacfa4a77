using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Policy.V1;
using Timonier.Controllers.Disruption;

namespace Timonier.Controllers.Tests.Disruption;

public sealed class DisruptionTests : ControllerTest
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    private Task<PodDisruptionBudget> BudgetAsync(IntOrString? minAvailable = null, IntOrString? maxUnavailable = null) => Client.CreateAsync(new PodDisruptionBudget
    {
        Metadata = new() { Namespace = "ns", Name = "b" }, Spec = new() { MinAvailable = minAvailable, MaxUnavailable = maxUnavailable, Selector = new() { MatchLabels = Labels } },
    });

    private async Task PodsAsync(int count, int ready, OwnerReference? owner)
    {
        for (var i = 0; i < count; i++)
            await Client.CreateAsync(new Pod
            {
                Metadata = new() { Namespace = "ns", Name = $"p{i}", Labels = Labels, OwnerReferences = owner is null ? [] : [owner] },
                Status = new() { Phase = "Running", Conditions = [new() { Type = "Ready", Status = i < ready ? "True" : "False" }] },
            });
    }

    private async Task<OwnerReference> ReplicaSetAsync(int replicas)
    {
        var deployment = await Client.CreateAsync(new Deployment { Metadata = new() { Namespace = "ns", Name = "d" }, Spec = new() { Replicas = replicas } });
        var set = await Client.CreateAsync(new ReplicaSet
        {
            Metadata = new() { Namespace = "ns", Name = "r", OwnerReferences = [new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = "d", Uid = deployment.Metadata.Uid, Controller = true }] }, Spec = new() { Replicas = replicas - 1 },
        });
        return new() { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "r", Uid = set.Metadata.Uid, Controller = true };
    }

    private async Task<string> StatusAsync()
    {
        var status = (await Client.GetAsync<PodDisruptionBudget>("ns", "b")).Status;
        return $"{status.ExpectedPods} {status.DesiredHealthy} {status.CurrentHealthy} {status.DisruptionsAllowed} {status.Conditions.Single().Reason}";
    }

    public static TheoryData<string, string, int, int, string> Cases => new()
    {
        // minAvailable, maxUnavailable, pods, ready; expected desired healthy allowed reason (the deployment wants 10)
        { "2", "", 3, 3, "3 2 3 1 SufficientPods" },
        { "3", "", 3, 3, "3 3 3 0 InsufficientPods" },
        { "50%", "", 10, 8, "10 5 8 3 SufficientPods" },
        { "25%", "", 10, 10, "10 3 10 7 SufficientPods" },
        { "", "1", 10, 10, "10 9 10 1 SufficientPods" },
        { "", "1", 9, 9, "10 9 9 0 InsufficientPods" },
        { "", "25%", 10, 10, "10 7 10 3 SufficientPods" },
        { "", "20", 10, 2, "10 0 2 2 SufficientPods" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Status_CountsPodsAgainstTheirControllers(string minAvailable, string maxUnavailable, int pods, int ready, string wanted)
    {
        static IntOrString? Parse(string text) => text.Length == 0 ? null : int.TryParse(text, out var number) ? number : new IntOrString(text);
        using var controller = new DisruptionController(Context);
        var owner = await ReplicaSetAsync(10);
        await PodsAsync(pods, ready, owner);
        await BudgetAsync(Parse(minAvailable), Parse(maxUnavailable));
        await WorkAsync(controller);
        Assert.Equal(wanted, await StatusAsync());
    }

    [Fact]
    public async Task PodsWithoutController_AreNotCountedAndSaidSo()
    {
        using var controller = new DisruptionController(Context);
        await PodsAsync(3, 3, null);
        await BudgetAsync(maxUnavailable: 1);
        await WorkAsync(controller);
        Assert.Equal("0 0 3 0 InsufficientPods", await StatusAsync());
        Assert.Contains(await EventsAsync(), e => e.StartsWith("Warning UnmanagedPods Pods selected by this PodDisruptionBudget (selector: app=web)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ControllerMissing_NothingMayBeDisrupted()
    {
        using var controller = new DisruptionController(Context);
        await PodsAsync(3, 3, new() { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "gone", Uid = "u", Controller = true });
        await BudgetAsync(maxUnavailable: 1);
        await WorkAsync(controller);
        Assert.EndsWith("0 SyncFailed", await StatusAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EvictedPod_IsNotHealthy_UntilTwoMinutesShowThatItStays()
    {
        using var controller = new DisruptionController(Context);
        await PodsAsync(3, 3, await ReplicaSetAsync(3));
        var budget = await BudgetAsync(2);
        await Client.UpdateStatusAsync(budget with { Status = new() { DisruptedPods = new Dictionary<string, DateTimeOffset> { ["p0"] = Time.GetUtcNow(), ["unknown"] = Time.GetUtcNow() } } });
        await WorkAsync(controller);
        Assert.Equal("3 2 2 0 InsufficientPods", await StatusAsync());
        Assert.Equal("p0", Assert.Single((await Client.GetAsync<PodDisruptionBudget>("ns", "b")).Status.DisruptedPods).Key);
        Time.Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromSeconds(1));
        await WorkAsync(controller);
        Assert.Equal("3 2 3 1 SufficientPods", await StatusAsync());
        Assert.Contains("Warning NotDeleted Pod was expected by PDB ns/b to be deleted but it wasn't", await EventsAsync());
    }

    [Fact]
    public async Task PodBecomesUnready_BudgetFollows_AndRestsThen()
    {
        using var controller = new DisruptionController(Context);
        await PodsAsync(3, 3, await ReplicaSetAsync(3));
        await BudgetAsync(2);
        await WorkAsync(controller);
        var pod = await Client.GetAsync<Pod>("ns", "p0");
        await Client.UpdateStatusAsync(pod with { Status = new() { Phase = "Running" } });
        await WorkAsync(controller);
        Assert.Equal("3 2 2 0 InsufficientPods", await StatusAsync());
        Assert.Equal(0, Time.Pending);
    }

    [Fact]
    public async Task DisruptionThatDidNotCome_IsTakenBack()
    {
        using var controller = new StaleDisruptionController(Context);
        await Client.CreateAsync(new Pod { Metadata = new() { Namespace = "ns", Name = "p" }, Status = new() { Phase = "Running", Conditions = [new() { Type = "DisruptionTarget", Status = "True", LastTransitionTime = Time.GetUtcNow() }] } });
        await WorkAsync(controller);
        Time.Advance(TimeSpan.FromSeconds(119));
        await WorkAsync(controller);
        Assert.Equal("True", (await Client.GetAsync<Pod>("ns", "p")).Status.Conditions[0].Status);
        Time.Advance(TimeSpan.FromSeconds(1));
        await WorkAsync(controller);
        Assert.Equal("False", (await Client.GetAsync<Pod>("ns", "p")).Status.Conditions[0].Status);
    }
}

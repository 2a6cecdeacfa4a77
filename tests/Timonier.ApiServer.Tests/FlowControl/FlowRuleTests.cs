using Microsoft.AspNetCore.Http;
using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Bootstrap;
using Timonier.ApiServer.FlowControl;
using Timonier.ApiServer.Requests;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.FlowControl;

public sealed class FlowRuleTests
{
    private static readonly PriorityLevels Suggested = PriorityLevels.Create(FlowControlObjects.FlowSchemas(), FlowControlObjects.PriorityLevels(), null, 600, new FakeTime());

    [Theory]
    [InlineData("admin", "system:masters", "GET", "/api/v1/pods", "exempt")]
    [InlineData("system:anonymous", "system:unauthenticated", "GET", "/healthz", "probes")]
    [InlineData("system:anonymous", "system:unauthenticated", "GET", "/healthz/etcd", "global-default")]
    [InlineData("system:kube-scheduler", "", "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x", "system-leader-election")]
    [InlineData("system:serviceaccount:kube-system:endpoint-controller", "system:serviceaccounts", "PUT", "/api/v1/namespaces/a/endpoints/x", "endpoint-controller")]
    [InlineData("system:node:n", "system:nodes", "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", "system-node-high")]
    [InlineData("system:node:n", "system:nodes", "PATCH", "/api/v1/nodes/n/status", "system-node-high")]
    [InlineData("system:node:n", "system:nodes", "PUT", "/apis/coordination.k8s.io/v1/namespaces/other/leases/n", "system-nodes")]
    [InlineData("system:node:n", "system:nodes", "GET", "/api/v1/namespaces/a/pods/p/log", "system-nodes")]
    [InlineData("system:kube-controller-manager", "", "GET", "/api/v1/pods", "kube-controller-manager")]
    [InlineData("system:serviceaccount:kube-system:x", "system:serviceaccounts", "GET", "/api/v1/pods", "kube-system-service-accounts")]
    [InlineData("system:serviceaccount:kube-system2:x", "system:serviceaccounts", "GET", "/api/v1/pods", "service-accounts")]
    [InlineData("somebody", "", "GET", "/apis/apps/v1/namespaces/a/deployments", "global-default")]
    public void Request_WithTheSuggestedObjects_TakesUpstreamsSchema(string user, string group, string method, string path, string schema)
    {
        var request = RequestInfoParser.Parse(method, path, new QueryCollection());
        string[] groups = group == "system:unauthenticated" ? [group] : group.Length > 0 ? [group, "system:authenticated"] : ["system:authenticated"];
        Assert.Equal(schema, Suggested.Routes.First(r => r.Rule.Matches(request, new UserInfo(user, groups))).Rule.Name);
    }

    [Fact]
    public void Schemas_AreAskedByPrecedence_ThenName_AndThoseWithoutLevelAreNot()
    {
        FlowSchema Of(string name, int precedence, string level) =>
            new() { Metadata = new() { Name = name }, Spec = new() { MatchingPrecedence = precedence, PriorityLevelConfiguration = new() { Name = level } } };
        var table = PriorityLevels.Create([Of("b", 5, "exempt"), Of("a", 5, "exempt"), Of("lost", 3, "nowhere"), Of("late", 9, "exempt")], [], null, 600, new FakeTime());
        Assert.Equal(["exempt", "a", "b", "late", "catch-all"], table.Routes.Select(r => r.Rule.Name));
    }

    [Fact]
    public void Flows_AreToldApartByWhatTheSchemaSays()
    {
        var byUser = Suggested.Routes.First(r => r.Rule.Name == "service-accounts").Rule;
        var byNamespace = Suggested.Routes.First(r => r.Rule.Name == "kube-scheduler").Rule;
        RequestInfo In(string ns) => new() { Path = "", Verb = "list", Namespace = ns };
        UserInfo User(string name) => new(name, []);
        Assert.NotEqual(Flow(byUser, In("a"), User("x")), Flow(byUser, In("a"), User("y")));
        Assert.Equal(Flow(byUser, In("a"), User("x")), Flow(byUser, In("b"), User("x")));
        Assert.NotEqual(Flow(byNamespace, In("a"), User("x")), Flow(byNamespace, In("b"), User("x")));
    }

    [Fact]
    public void Seats_AreSharedAsUpstreamSharesThem()
    {
        // 600 seats over 245 shares, each level's part rounded up.
        var expected = new Dictionary<string, (int, int, int)>
        {
            ["exempt"] = (0, 0, 600), ["catch-all"] = (13, 13, 600), ["system"] = (74, 50, 600), ["node-high"] = (98, 73, 600), ["leader-election"] = (25, 25, 600),
            ["workload-high"] = (98, 49, 600), ["workload-low"] = (245, 24, 600), ["global-default"] = (49, 24, 600),
        };
        Assert.Equal(expected, Suggested.Levels.Values.ToDictionary(l => l.Name, l => (l.Nominal, l.Lower, l.Upper)));
    }

    [Theory]
    [InlineData(0, 245, 1)]
    [InlineData(100, 245, 1)]
    [InlineData(101, 245, 2)]
    [InlineData(11_000, 245, 37)]
    [InlineData(1_000_000, 10_000, 100)]
    [InlineData(1_000_000, 1, 1)]
    public void List_TakesASeatForEachHundredObjects_WithinItsLevel(long objects, int nominal, int seats) => Assert.Equal(seats, WorkEstimate.Of(objects, nominal));

    /// <summary>Every ten watches are a seat for five milliseconds; what the level has not at once it gives for longer.</summary>
    [Theory]
    [InlineData(9, 245, 0, 0)]
    [InlineData(10, 245, 1, 5)]
    [InlineData(11, 245, 2, 5)]
    [InlineData(1000, 245, 37, 13.5135)]
    public void Write_HoldsSeatsForItsWatchers_AMomentLonger(int watches, int nominal, int finalSeats, double milliseconds)
    {
        var work = WorkEstimate.OfWrite(watches, nominal);
        Assert.Equal((1, finalSeats, milliseconds), (work.Seats, work.FinalSeats, work.Extra.TotalMilliseconds));
    }

    private static ulong Flow(FlowRule rule, RequestInfo request, UserInfo user) => rule.FlowOf(rule.DistinguisherOf(request, user));
}

using Timonier.Api.Flowcontrol.V1;
using Timonier.Api.Meta.V1;

namespace Timonier.ApiServer.Bootstrap;

/// <summary>The flow schemas and priority levels that a cluster starts with; names and numbers are upstream's.</summary>
internal static class FlowControlObjects
{
    private static readonly string[] All = ["*"];
    private static readonly string[] GetCreateUpdate = ["get", "create", "update"];
    private static readonly string[] Everybody = ["system:unauthenticated", "system:authenticated"];

    /// <summary>Set to "true", the object follows what this program thinks best; "false": what an administrator wrote stays.</summary>
    public const string AutoUpdate = "apf.kubernetes.io/autoupdate-spec";

    /// <summary>Must always be there, and as they are here.</summary>
    public static bool IsMandatory(string name) => name is "exempt" or "catch-all";

    public static IEnumerable<PriorityLevelConfiguration> PriorityLevels() =>
    [
        new() { Metadata = Named("exempt"), Spec = new() { Type = "Exempt", Exempt = new() { NominalConcurrencyShares = 0, LendablePercent = 0 } } },
        Limited("catch-all", shares: 5, lendable: 0, queues: 0, hand: 0),
        Limited("system", shares: 30, lendable: 33, queues: 64, hand: 6),
        Limited("node-high", shares: 40, lendable: 25, queues: 64, hand: 6),
        Limited("leader-election", shares: 10, lendable: 0, queues: 16, hand: 4),
        Limited("workload-high", shares: 40, lendable: 50, queues: 128, hand: 6),
        Limited("workload-low", shares: 100, lendable: 90, queues: 128, hand: 6),
        Limited("global-default", shares: 20, lendable: 50, queues: 128, hand: 6),
    ];

    public static IEnumerable<FlowSchema> FlowSchemas() =>
    [
        Schema("exempt", "exempt", 1, null, Everything([Group("system:masters")])),
        Schema("probes", "exempt", 2, null, new PolicyRulesWithSubjects
        {
            Subjects = [.. Everybody.Select(Group)],
            NonResourceRules = [new() { Verbs = ["get"], NonResourceURLs = ["/healthz", "/readyz", "/livez"] }],
        }),
        Schema("system-leader-election", "leader-election", 100, "ByUser", new PolicyRulesWithSubjects
        {
            Subjects = [User("system:kube-controller-manager"), User("system:kube-scheduler"), KubeSystemAccount("*")],
            ResourceRules = [Rule(GetCreateUpdate, "coordination.k8s.io", ["leases"], All)],
        }),
        Schema("endpoint-controller", "workload-high", 150, "ByUser", new PolicyRulesWithSubjects
        {
            Subjects = [User("system:kube-controller-manager"), KubeSystemAccount("endpoint-controller"), KubeSystemAccount("endpointslicemirroring-controller")],
            ResourceRules = [Rule(GetCreateUpdate, "", ["endpoints"], All)],
        }),
        Schema("workload-leader-election", "leader-election", 200, "ByUser", new PolicyRulesWithSubjects
        {
            Subjects = [KubeSystemAccount("*")],
            ResourceRules = [Rule(GetCreateUpdate, "coordination.k8s.io", ["leases"], All)],
        }),
        Schema("system-node-high", "node-high", 400, "ByUser", new PolicyRulesWithSubjects
        {
            Subjects = [Group("system:nodes")],
            ResourceRules = [Rule(All, "", ["nodes", "nodes/status"], All, clusterScope: true), Rule(All, "coordination.k8s.io", ["leases"], ["kube-node-lease"])],
        }),
        Schema("system-nodes", "system", 500, "ByUser", Everything([Group("system:nodes")])),
        Schema("kube-controller-manager", "workload-high", 800, "ByNamespace", Everything([User("system:kube-controller-manager")])),
        Schema("kube-scheduler", "workload-high", 800, "ByNamespace", Everything([User("system:kube-scheduler")])),
        Schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", Everything([KubeSystemAccount("*")])),
        Schema("service-accounts", "workload-low", 9000, "ByUser", Everything([Group("system:serviceaccounts")])),
        Schema("global-default", "global-default", 9900, "ByUser", Everything([.. Everybody.Select(Group)])),
        Schema("catch-all", "catch-all", 10000, "ByUser", Everything([.. Everybody.Select(Group)])),
    ];

    private static ObjectMeta Named(string name) =>
        new() { Name = name, Annotations = new Dictionary<string, string> { [AutoUpdate] = "true" } };

    /// <param name="queues">0: what is too much is refused, not queued.</param>
    private static PriorityLevelConfiguration Limited(string name, int shares, int lendable, int queues, int hand) => new()
    {
        Metadata = Named(name),
        Spec = new()
        {
            Type = "Limited",
            Limited = new()
            {
                NominalConcurrencyShares = shares, LendablePercent = lendable,
                LimitResponse = queues == 0 ? new() { Type = "Reject" } : new() { Type = "Queue", Queuing = new() { Queues = queues, HandSize = hand, QueueLengthLimit = 50 } },
            },
        },
    };

    private static FlowSchema Schema(string name, string level, int precedence, string? distinguisher, PolicyRulesWithSubjects rules) => new()
    {
        Metadata = Named(name),
        Spec = new()
        {
            PriorityLevelConfiguration = new() { Name = level }, MatchingPrecedence = precedence,
            DistinguisherMethod = distinguisher is null ? null : new() { Type = distinguisher }, Rules = [rules],
        },
    };

    private static PolicyRulesWithSubjects Everything(Subject[] subjects) => new()
    {
        Subjects = subjects, ResourceRules = [Rule(All, "*", All, All, clusterScope: true)], NonResourceRules = [new() { Verbs = All, NonResourceURLs = All }],
    };

    private static ResourcePolicyRule Rule(string[] verbs, string group, string[] resources, string[] namespaces, bool clusterScope = false) =>
        new() { Verbs = verbs, ApiGroups = [group], Resources = resources, Namespaces = namespaces, ClusterScope = clusterScope };

    private static Subject Group(string name) => new() { Kind = "Group", Group = new() { Name = name } };

    private static Subject User(string name) => new() { Kind = "User", User = new() { Name = name } };

    private static Subject KubeSystemAccount(string name) => new() { Kind = "ServiceAccount", ServiceAccount = new() { Namespace = "kube-system", Name = name } };
}

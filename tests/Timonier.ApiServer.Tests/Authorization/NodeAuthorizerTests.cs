using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Resource.V1;
using Timonier.Api.Storage.V1;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Authorization.Nodes;
using Timonier.ApiServer.Tests.Authentication;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Authorization;

public sealed class NodeAuthorizerTests
{
    private sealed class Relations(NodeGraph graph) : INodeRelations
    {
        public ValueTask<bool> RelatesAsync(string node, ReferenceKind kind, string @namespace, string name, CancellationToken cancel) => new(graph.Relates(node, kind, @namespace, name));
    }

    private static readonly Pod Web = Given.Object<Pod>("""
        {"metadata":{"name":"web","namespace":"shop"},"spec":{"nodeName":"n1","serviceAccountName":"web","imagePullSecrets":[{"name":"pull"}],
          "initContainers":[{"name":"i","env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"initenv","key":"k"}}}]}],
          "containers":[{"name":"c","envFrom":[{"configMapRef":{"name":"env"}}],"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"one","key":"k"}}}]}],
          "ephemeralContainers":[{"name":"e","envFrom":[{"secretRef":{"name":"debug"}}]}],
          "volumes":[{"name":"v","secret":{"secretName":"db"}},{"name":"p","projected":{"sources":[{"secret":{"name":"projected"}},{"configMap":{"name":"kube-root-ca.crt"}}]}},
            {"name":"data","persistentVolumeClaim":{"claimName":"data"}},{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{}}}},{"name":"csi","csi":{"driver":"d","nodePublishSecretRef":{"name":"inline"}}}],
          "resourceClaims":[{"name":"gpu","resourceClaimName":"mygpu"},{"name":"made","resourceClaimTemplateName":"t"}]},
         "status":{"resourceClaimStatuses":[{"name":"made","resourceClaimName":"web-made-x"}],"extendedResourceClaimStatus":{"resourceClaimName":"web-ext"}}}
        """);

    private static readonly PersistentVolume Volume = Given.Object<PersistentVolume>("""
        {"metadata":{"name":"pv1"},"spec":{"claimRef":{"namespace":"shop","name":"data"},"csi":{"driver":"d","volumeHandle":"h","nodeStageSecretRef":{"name":"stage","namespace":"vault"},"controllerPublishSecretRef":{"name":"controller","namespace":"vault"}}}}
        """);

    private readonly NodeAuthorizer _authorizer;

    public NodeAuthorizerTests()
    {
        var graph = new NodeGraph();
        graph.Add(Web);
        graph.Add(Volume);
        _authorizer = new NodeAuthorizer(new FakeObjects(Web, Volume,
            new VolumeAttachment { Metadata = new ObjectMeta { Name = "a1" }, Spec = new VolumeAttachmentSpec { NodeName = "n1", Attacher = "d" } },
            new ResourceSlice { Metadata = new ObjectMeta { Name = "s1" }, Spec = new ResourceSliceSpec { NodeName = "n1", Driver = "d" } }), new Relations(graph));
    }

    private async Task<Verdict> AskAsync(string what, string fields = "", string node = "n1") =>
        await _authorizer.AuthorizeAsync(RbacTests.Ask("system:node:" + node, what, "system:nodes") with { Selectors = RequestedSelectors.Of(fields, "") });

    [Theory]
    [InlineData("get secrets shop/db")]
    [InlineData("watch secrets shop/projected")]
    [InlineData("list secrets shop/pull")]
    [InlineData("get secrets shop/initenv")]
    [InlineData("get secrets shop/debug")]
    [InlineData("get secrets shop/inline")]
    [InlineData("get secrets vault/stage")]
    [InlineData("get configmaps shop/env")]
    [InlineData("get configmaps shop/one")]
    [InlineData("watch configmaps shop/kube-root-ca.crt")]
    [InlineData("get persistentvolumeclaims shop/data")]
    [InlineData("get persistentvolumeclaims shop/web-scratch")]
    [InlineData("update persistentvolumeclaims/status shop/data")]
    [InlineData("get persistentvolumes /pv1")]
    [InlineData("get volumeattachments.storage.k8s.io /a1")]
    [InlineData("get resourceclaims.resource.k8s.io shop/mygpu")]
    [InlineData("get resourceclaims.resource.k8s.io shop/web-made-x")]
    [InlineData("get resourceclaims.resource.k8s.io shop/web-ext")]
    [InlineData("create serviceaccounts/token shop/web")]
    [InlineData("get serviceaccounts shop/web")]
    [InlineData("get pods shop/web")]
    [InlineData("get resourceslices.resource.k8s.io /s1")]
    public async Task WhatItsPodsNeed_IsForTheirNodeAlone(string what)
    {
        Assert.Equal(Decision.Allow, (await AskAsync(what)).Decision);
        Assert.Equal(new Verdict(Decision.NoOpinion, "no relationship found between node 'n2' and this object"), await AskAsync(what, node: "n2"));
    }

    [Theory]
    [InlineData("get secrets shop/other", "no relationship found between node 'n1' and this object")]
    [InlineData("get secrets other/db", "no relationship found between node 'n1' and this object")]
    [InlineData("get secrets vault/controller", "no relationship found between node 'n1' and this object")]
    [InlineData("list secrets shop", "No Object name found")]
    [InlineData("list secrets", "can only read namespaced object of this type")]
    [InlineData("update secrets shop/db", "can only read resources of this type")]
    [InlineData("list persistentvolumeclaims shop", "can only get individual resources of this type")]
    [InlineData("get persistentvolumeclaims/status shop/data", "can only get/update/patch this type")]
    [InlineData("get pods/log shop/web", "")]
    [InlineData("list pods shop", "can only list/watch pods with spec.nodeName field selector")]
    [InlineData("list nodes", "node 'n1' cannot read all nodes, only its own Node object")]
    [InlineData("get nodes /n2", "node 'n1' cannot read 'n2', only its own Node object")]
    [InlineData("delete nodes /n1", "")]
    [InlineData("create serviceaccounts/token shop/admin", "no relationship found between node 'n1' and this object")]
    [InlineData("update serviceaccounts shop/web", "can only create tokens for individual service accounts")]
    [InlineData("update leases.coordination.k8s.io kube-node-lease/n2", "can only access node lease with the same name as the requesting node")]
    [InlineData("update leases.coordination.k8s.io kube-system/n1", "can only access leases in the \"kube-node-lease\" system namespace")]
    [InlineData("list leases.coordination.k8s.io kube-node-lease", "can only get, create, update, patch, or delete a node lease")]
    [InlineData("update csinodes.storage.k8s.io /n2", "can only access CSINode with the same name as the requesting node")]
    [InlineData("delete namespaces /shop", "")]
    public async Task TheRest_IsNotAllowedAndTold(string what, string reason) => Assert.Equal(new Verdict(Decision.NoOpinion, reason), await AskAsync(what));

    [Theory]
    [InlineData("update leases.coordination.k8s.io kube-node-lease/n1")]
    [InlineData("create csinodes.storage.k8s.io")]
    [InlineData("patch nodes/status /n1")]
    [InlineData("watch nodes /n1")]
    [InlineData("create pods/eviction shop/web")]
    [InlineData("list services")]
    [InlineData("get /healthz", Decision.NoOpinion)]
    public async Task WhatEveryNodeDoes_NeedsNoPod(string what, Decision decision = Decision.Allow) => Assert.Equal(decision, (await AskAsync(what)).Decision);

    [Theory]
    [InlineData("list pods", "spec.nodeName=n1", Decision.Allow)]
    [InlineData("watch pods shop", "status.phase!=Failed,spec.nodeName=n1", Decision.Allow)]
    [InlineData("watch pods", "spec.nodeName=n2", Decision.NoOpinion)]
    [InlineData("watch pods", "spec.nodeName!=n1", Decision.NoOpinion)]
    [InlineData("list resourceslices.resource.k8s.io", "spec.nodeName=n1", Decision.Allow)]
    [InlineData("list resourceslices.resource.k8s.io", "", Decision.NoOpinion)]
    public async Task Selector_LimitsToItsOwn(string what, string fields, Decision decision) => Assert.Equal(decision, (await AskAsync(what, fields)).Decision);

    [Fact]
    public async Task UserThatIsNoNode_IsNotForThisOne()
    {
        Assert.Equal(Verdict.NoOpinion, await _authorizer.AuthorizeAsync(RbacTests.Ask("system:node:n1", "get pods shop/web")));
        Assert.Equal("unknown node for user \"system:node:\"", (await AskAsync("get pods shop/web", node: "")).Reason);
    }

    [Fact]
    public void MirrorPod_GivesNoRights()
    {
        var graph = new NodeGraph();
        graph.Add(Web with { Metadata = Web.Metadata with { Annotations = new Dictionary<string, string> { ["kubernetes.io/config.mirror"] = "x" } } });
        Assert.Equal(0, graph.Size);
    }

    [Fact]
    public void ObjectOfTwoPods_IsKnownUntilBothAreGone()
    {
        var graph = new NodeGraph();
        graph.Add(Web);
        graph.Add(Web with { Metadata = Web.Metadata with { Name = "web2" } });
        graph.Add(Volume);
        graph.Remove(Web);
        Assert.True(graph.Relates("n1", ReferenceKind.Secret, "shop", "db"));
        Assert.True(graph.Relates("n1", ReferenceKind.Secret, "vault", "stage"));
        Assert.False(graph.Relates("n1", ReferenceKind.Claim, "shop", "web-scratch"));
        graph.Remove(Web with { Metadata = Web.Metadata with { Name = "web2" } });
        Assert.False(graph.Relates("n1", ReferenceKind.Secret, "vault", "stage"));
        graph.Remove(Volume);
        Assert.Equal(0, graph.Size);
    }
}

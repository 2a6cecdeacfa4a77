using Timonier.Api.Authentication.V1;
using Timonier.Api.Autoscaling.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Policy.V1;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <content>Subresources whose body is another kind than the object's.</content>
public sealed partial class ApiClient
{
    /// <summary>Deletes a pod if its disruption budgets allow (429 when not).</summary>
    public Task EvictAsync(string @namespace, string podName, DeleteOptions? options = null, CancellationToken cancellationToken = default) =>
        SendAsync("POST", ResourcePath.For(Pod.Resource, @namespace, podName, "eviction"), "",
            WireFormat.Encode(new Eviction { Metadata = new() { Namespace = @namespace, Name = podName }, DeleteOptions = options }), WireFormat.Tree, cancellationToken);

    /// <summary>Gives a pod to a node. A conflict when it has one, or when its uid is another than given.</summary>
    /// <param name="podUid">Empty: whichever pod has the name.</param>
    public Task BindAsync(string @namespace, string podName, string podUid, string nodeName, CancellationToken cancellationToken = default) =>
        SendAsync("POST", ResourcePath.For(Pod.Resource, @namespace, podName, "binding"), "",
            WireFormat.Encode(new Binding { Metadata = new() { Namespace = @namespace, Name = podName, Uid = podUid }, Target = new() { Kind = "Node", Name = nodeName } }), WireFormat.Tree, cancellationToken);

    public Task<TokenRequest> CreateTokenAsync(string @namespace, string serviceAccountName, TokenRequest request, CancellationToken cancellationToken = default) =>
        SendAsync("POST", ResourcePath.For(ServiceAccount.Resource, @namespace, serviceAccountName, "token"), "", WireFormat.Encode(request), TokenRequest.Read, cancellationToken);

    public Task<Scale> GetScaleAsync(GroupVersionResource resource, string @namespace, string name, CancellationToken cancellationToken = default) =>
        SendAsync("GET", ResourcePath.For(resource, @namespace, name, "scale"), "", null, Scale.Read, cancellationToken);

    public Task<Scale> UpdateScaleAsync(GroupVersionResource resource, Scale scale, CancellationToken cancellationToken = default) =>
        SendAsync("PUT", ResourcePath.For(resource, scale.Metadata.Namespace, scale.Metadata.Name, "scale"), "", WireFormat.Encode(scale), Scale.Read, cancellationToken);
}

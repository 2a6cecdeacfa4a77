using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>What all subresources have in common that go on to a kubelet.</summary>
internal static class NodeCalls
{
    /// <exception cref="ApiException">NotFound.</exception>
    public static JsonMap Pod(ApiCall call) =>
        call.Store.TryGet(call.Info.Namespace, call.Info.Name, out var entry) ? new EncodedObject(entry).Parse() : throw call.NotFound(call.Info.Name);

    /// <exception cref="ApiException">BadRequest: the pod has no node yet; ServiceUnavailable: the node is not connected.</exception>
    public static INodeConnection NodeOf(ApiCall call, JsonMap pod)
    {
        if (pod.GetPath("spec", "nodeName") is not string { Length: > 0 } node)
            throw ApiException.BadRequest($"pod {call.Info.Name} does not have a host assigned");
        return Node(call, node);
    }

    public static INodeConnection Node(ApiCall call, string node) =>
        call.Core.Options.Nodes?.Find(node) ?? throw new ApiException(500, "InternalError", $"error dialing backend: no connection to node \"{node}\"");

    /// <summary>Admission sees a connect as its own operation.</summary>
    public static async ValueTask AdmitAsync(ApiCall call)
    {
        var attributes = new AdmissionAttributes { Scope = call.Scope(WriteOptions.Default) with { Verb = "connect" }, Operation = "CONNECT", Object = ConnectOptions.Of(call) };
        await call.Core.Admission.AdmitAsync(attributes, call.Cancel);
        await call.Core.Admission.ValidateAsync(attributes, call.Cancel);
    }

    /// <summary>The kubelet's refusal in the API's words.</summary>
    public static ApiException Refusal(NodeRequestException e) => e.StatusCode switch
    {
        400 => ApiException.BadRequest(e.Message),
        404 => new ApiException(404, "NotFound", e.Message, e),
        _ => new ApiException(e.StatusCode is >= 400 and < 600 ? e.StatusCode : 500, "InternalError", e.Message, e),
    };

    /// <summary>The container that is meant: the only one, or the one that is named.</summary>
    /// <exception cref="ApiException">BadRequest in upstream's words.</exception>
    public static string Container(ApiCall call, JsonMap pod)
    {
        IEnumerable<string> Names(string list) => (pod.GetPath("spec", list) as JsonList ?? []).OfType<JsonMap>().Select(c => c.GetString("name") ?? "");
        var asked = call.Query("container");
        var containers = Names("containers").ToList();
        if (asked.Length > 0)
        {
            if (!containers.Contains(asked) && !Names("initContainers").Contains(asked) && !Names("ephemeralContainers").Contains(asked))
                throw ApiException.BadRequest($"container {asked} is not valid for pod {call.Info.Name}");
            return asked;
        }
        if (containers.Count == 1)
            return containers[0];
        var text = $"a container name must be specified for pod {call.Info.Name}, choose one of: [{string.Join(' ', containers)}]";
        if (Names("initContainers").ToList() is { Count: > 0 } init)
            text += $" or one of the init containers: [{string.Join(' ', init)}]";
        throw ApiException.BadRequest(text);
    }

    public static bool Flag(ApiCall call, string name) => call.Http.Request.Query.TryGetValue(name, out var value) && RequestInfoParser.IsTrue(value);
}

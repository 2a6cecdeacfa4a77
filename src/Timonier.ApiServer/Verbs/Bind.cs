using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>POST of pods/NAME/binding or of bindings: the scheduler's decision, which is made once.</summary>
internal static class Bind
{
    public static async Task HandleAsync(ApiCall call, WritePath writes)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "CreateOptions");
        var binding = await BodyDecoder.ReadObjectAsync(call, options);
        var pods = call.Core.Registry.Table.StoresByResource[("", "pods")];
        var name = call.Info.Name.Length > 0 ? call.Info.Name : binding.GetPath("metadata", "name") as string ?? "";
        if (call.Info.Name.Length > 0 && binding.GetPath("metadata", "name") is string { Length: > 0 } named && named != name)
            throw ApiException.BadRequest($"name in URL does not match name in Binding object");
        Validate(binding, name);
        var write = new BindWrite { Scope = call.Scope(options) with { Name = name, Subresource = "binding", Resource = pods.Schema }, Resource = pods, Options = options, Binding = binding };
        await writes.RunAsync(write, call.Cancel);
        await Responder.WriteTreeAsync(call, 201, new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonMap(), ["status"] = "Success", ["code"] = 201L });
    }

    private static void Validate(JsonMap binding, string name)
    {
        var errors = new FieldErrors();
        var target = binding.GetMap("target");
        if (target?.GetString("kind") is not (null or "" or "Node") and var kind)
            errors.NotSupported("target.kind", kind, ["Node", "<empty>"]);
        if (target?.GetString("name") is not { Length: > 0 })
            errors.Required("target.name");
        if (errors.Any)
            throw ApiException.Invalid(new("", "v1", "Binding"), name, errors.Errors);
    }

    private sealed class BindWrite : Write
    {
        public required JsonMap Binding { get; init; }

        public override bool RetriesConflicts => true;

        public override bool IsPatch => true;

        public override JsonMap? Produce(JsonMap? old)
        {
            if (old is null)
                return null;
            var pod = old.DeepClone();
            var (metadata, spec) = (pod.GetMap("metadata")!, pod.EnsureMap("spec"));
            if (metadata.ContainsKey("deletionTimestamp"))
                throw Conflict($"pod {Scope.Name} is being deleted, cannot be assigned to a host");
            if (spec.GetString("nodeName") is { Length: > 0 } node)
                throw Conflict($"pod {Scope.Name} is already assigned to node \"{node}\"");
            if (spec.GetList("schedulingGates") is { Count: > 0 })
                throw Conflict($"pod {Scope.Name} has non-empty .spec.schedulingGates");
            if (Binding.GetPath("metadata", "uid") is string { Length: > 0 } uid && uid != metadata.GetString("uid"))
                throw Conflict($"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.GetString("uid")}");
            spec["nodeName"] = Binding.GetPath("target", "name");
            if (Binding.GetPath("metadata", "annotations") is JsonMap annotations)
            {
                foreach (var (key, value) in annotations)
                    metadata.EnsureMap("annotations")[key] = value;
            }
            SetScheduled(pod.EnsureMap("status"));
            return pod;
        }

        private ApiException Conflict(string why) => ApiException.Conflict("", "pods/binding", Scope.Name, why);

        private void SetScheduled(JsonMap status)
        {
            var conditions = status.GetList("conditions") ?? [];
            status["conditions"] = conditions;
            conditions.RemoveAll(c => (c as JsonMap)?.GetString("type") == "PodScheduled");
            conditions.Add(new JsonMap
            {
                ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = ObjectMetaRules.Timestamp(Scope.Now),
            });
        }
    }
}

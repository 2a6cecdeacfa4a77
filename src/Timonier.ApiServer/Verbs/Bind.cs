using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

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
        binding.EnsureMap("metadata")["name"] = name;
        PodBinding.Validate(binding);
        var write = new BindWrite { Scope = call.Scope(options) with { Name = name, Subresource = "binding", Resource = pods.Schema }, Resource = pods, Options = options, Binding = binding };
        await writes.RunAsync(write, call.Cancel);
        await Responder.WriteTreeAsync(call, 201, new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonMap(), ["status"] = "Success", ["code"] = 201L });
    }

    private sealed class BindWrite : Write
    {
        private JsonMap _old = [];

        public required JsonMap Binding { get; init; }

        public override bool RetriesConflicts => true;

        public override bool IsPatch => true;

        public override JsonMap? Produce(JsonMap? old)
        {
            if (old is null)
                return null;
            _old = old;
            return Bound(Binding);
        }

        public override AdmissionAttributes Shown(AdmissionAttributes whole) =>
            whole with { Operation = "CREATE", Object = Binding.DeepClone(), OldObject = null, Normalize = static body => body, Versions = null };

        /// <summary>Admission chose another node, or other labels: bound as it says, from the pod as it was.</summary>
        public override void TakeOver(JsonMap obj, JsonMap body)
        {
            PodBinding.Validate(body);
            var pod = Bound(body);
            obj["spec"] = pod["spec"];
            foreach (var key in (ReadOnlySpan<string>)["annotations", "labels"])
                obj.GetMap("metadata")![key] = pod.GetPath("metadata", key);
        }

        private JsonMap Bound(JsonMap binding)
        {
            var pod = _old.DeepClone();
            PodBinding.Apply(pod, binding, Scope.Now);
            return pod;
        }
    }
}

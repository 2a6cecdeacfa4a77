using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>Where a kind keeps what autoscaling/v1 Scale shows. Paths are steps into the object.</summary>
/// <param name="Selector">A label selector, a plain map, or a text; null when the kind has none.</param>
internal sealed record ScalePaths(string[] SpecReplicas, string[] StatusReplicas, string[]? Selector)
{
    public static readonly ScalePaths BuiltIn = new(["spec", "replicas"], ["status", "replicas"], ["spec", "selector"]);
}

/// <summary>The subresource scale: get, update and patch of the number of replicas, whatever the kind.</summary>
internal static class Scale
{
    public static async Task GetAsync(ApiCall call)
    {
        if (!call.Store.TryGet(call.Info.Namespace, call.Info.Name, out var entry))
            throw Missing(call);
        var obj = await Converted.ParseAsync(call.Resource, new EncodedObject(entry), call.Cancel);
        await Responder.WriteTreeAsync(call, 200, Of(call.Schema.IsBuiltIn() ? obj : Converted.FromStored(call.Resource, obj), call.Resource.Scale));
    }

    /// <summary>Upstream names the subresource here, for the kinds whose scale it has written by hand.</summary>
    private static ApiException Missing(ApiCall call) => call.Schema.GroupResource switch
    {
        "deployments.apps" or "replicasets.apps" => ApiException.NotFound("apps", call.Schema.Plural + "/scale", call.Info.Name),
        "replicationcontrollers" => ApiException.NotFound("autoscaling", "replicationcontrollers/scale", call.Info.Name),
        _ => call.NotFound(call.Info.Name),
    };

    public static async Task UpdateAsync(ApiCall call, WritePath writes)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "UpdateOptions");
        var body = await BodyDecoder.ReadObjectAsync(call, options);
        await RunAsync(call, writes, options, _ => body);
    }

    public static async Task PatchAsync(ApiCall call, WritePath writes)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "PatchOptions");
        var type = BodyDecoder.MediaType(call.Http.Request.ContentType);
        var patch = BodyDecoder.Parse(await BodyDecoder.ReadBytesAsync(call.Http));
        // A Scale has no lists to merge, so that both merge patches are the same.
        await RunAsync(call, writes, options, scale => Patch.Run(scale, type == Patch.Strategic ? Patch.Merge : type, JsonTree.DeepClone(patch), call));
    }

    private static async Task RunAsync(ApiCall call, WritePath writes, WriteOptions options, Func<JsonMap, JsonMap> change)
    {
        var write = new ScaleWrite { Scope = call.Scope(options), Resource = call.Store, Options = options, Paths = call.Resource.Scale, Change = change };
        var result = await writes.RunAsync(write, call.Cancel);
        await Responder.WriteTreeAsync(call, 200, Of(result.Object, call.Resource.Scale));
    }

    private static JsonMap Of(JsonMap obj, ScalePaths paths)
    {
        var source = obj.GetMap("metadata")!;
        var metadata = new JsonMap();
        foreach (var key in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
        {
            if (source[key] is { } value)
                metadata[key] = value;
        }
        var spec = new JsonMap();
        if (obj.GetPath(paths.SpecReplicas) is long and not 0 and var replicas)
            spec["replicas"] = replicas;
        var status = new JsonMap { ["replicas"] = obj.GetPath(paths.StatusReplicas) as long? ?? 0 };
        if (paths.Selector is not null && SelectorText(obj.GetPath(paths.Selector)) is { Length: > 0 } selector)
            status["selector"] = selector;
        return new JsonMap { ["kind"] = "Scale", ["apiVersion"] = "autoscaling/v1", ["metadata"] = metadata, ["spec"] = spec, ["status"] = status };
    }

    private static string SelectorText(object? selector)
    {
        if (selector is string text)
            return text;
        if (selector is not JsonMap map)
            return "";
        if (!map.ContainsKey("matchLabels") && !map.ContainsKey("matchExpressions"))
            return LabelMatcher.FromMap(map.Where(l => l.Value is string).ToDictionary(l => l.Key, l => (string)l.Value!)).ToString()!;
        var reader = new System.Text.Json.Utf8JsonReader(JsonEncoder.Encode(map));
        reader.Read();
        return LabelMatcher.FromSelector(LabelSelector.Read(ref reader)).ToString()!;
    }

    private sealed class ScaleWrite : Write
    {
        public required ScalePaths Paths { get; init; }
        public required Func<JsonMap, JsonMap> Change { get; init; }

        public override bool RetriesConflicts => true;

        public override bool IsPatch => true;

        public override JsonMap? Produce(JsonMap? old)
        {
            if (old is null)
                return null;
            var scale = Change(Of(old, Paths));
            var replicas = scale.GetPath("spec", "replicas") as long? ?? 0;
            if (replicas < 0)
            {
                var errors = new FieldErrors();
                errors.Invalid("spec.replicas", replicas, "must be greater than or equal to 0");
                throw ApiException.Invalid(new("autoscaling", "v1", "Scale"), Scope.Name, errors.Errors);
            }
            var obj = old.DeepClone();
            if (scale.GetMap("metadata")?.GetString("resourceVersion") is { Length: > 0 } version)
                obj.GetMap("metadata")!["resourceVersion"] = version;
            Set(obj, replicas);
            return obj;
        }

        public override AdmissionAttributes Shown(AdmissionAttributes whole) =>
            whole with { Object = Of(whole.Object!, Paths), OldObject = whole.OldObject is { } old ? Of(old, Paths) : null, Normalize = static body => body, Versions = null };

        public override void TakeOver(JsonMap obj, JsonMap body) => Set(obj, body.GetPath("spec", "replicas") as long? ?? 0);

        private void Set(JsonMap obj, long replicas)
        {
            var at = obj;
            foreach (var step in Paths.SpecReplicas[..^1])
                at = at.EnsureMap(step);
            at[Paths.SpecReplicas[^1]] = replicas;
        }
    }
}

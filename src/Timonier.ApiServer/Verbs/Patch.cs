using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>PATCH of an object or its subresource: JSON patch, merge patch, strategic merge patch. Server-side apply is <see cref="Apply"/>.</summary>
internal static class Patch
{
    public const string Json = "application/json-patch+json";
    public const string Merge = "application/merge-patch+json";
    public const string Strategic = "application/strategic-merge-patch+json";
    public const string ApplyYaml = "application/apply-patch+yaml";

    public static async Task HandleAsync(ApiCall call, WritePath writes)
    {
        var type = BodyDecoder.MediaType(call.Http.Request.ContentType);
        if (type == ApplyYaml)
        {
            await Apply.HandleAsync(call, writes);
            return;
        }
        var options = WriteOptions.Parse(call.Http.Request.Query, "PatchOptions");
        if (type is not (Json or Merge or Strategic) || (type == Strategic && !call.Schema.IsBuiltIn()))
            throw ApiException.UnsupportedMediaType($"the body of the request was in an unknown format - accepted media types include: {Json}, {Merge}, {Strategic}, {ApplyYaml}");
        if (options.Force)
        {
            var errors = new FieldErrors();
            errors.Forbidden("force", "may not be specified for non-apply patch");
            throw ApiException.Invalid(new("meta.k8s.io", "v1", "PatchOptions"), "", errors.Errors);
        }
        var duplicates = options.FieldValidation == FieldValidation.Ignore ? null : new List<string>();
        var body = BodyDecoder.Parse(await BodyDecoder.ReadBytesAsync(call.Http), duplicates);
        options = options with { Duplicates = duplicates ?? [] };
        var write = new PatchWrite { Scope = call.Scope(options), Resource = call.Store, Options = options, Call = call, Type = type, Body = body };
        var result = await writes.RunAsync(write, call.Cancel);
        await Responder.WriteAsync(call, 200, result);
    }

    /// <summary>Applies a patch to a tree, which is lost when the patch is refused.</summary>
    public static JsonMap Run(JsonMap target, string contentType, object? patch, ApiCall call)
    {
        switch (contentType)
        {
            case Json:
                return JsonPatch.Apply(target, patch) as JsonMap ?? throw ApiException.BadRequest("the patch leaves no object");
            case Merge:
                MergePatch.Apply(target, Map(patch));
                return target;
            default:
                return StrategicMergePatch.Apply(target, Map(patch), call.Schema.Type);
        }
    }

    private static JsonMap Map(object? patch) =>
        patch as JsonMap ?? throw ApiException.BadRequest("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");

    private sealed class PatchWrite : Write
    {
        public required ApiCall Call { get; init; }
        public required string Type { get; init; }
        public required object? Body { get; init; }

        /// <summary>A patch that names a resourceVersion fails in the check of it, after the first lost race.</summary>
        public override bool RetriesConflicts => true;

        public override bool IsPatch => true;

        public override JsonMap? Produce(JsonMap? old)
        {
            if (old is null)
                return null;
            var target = Converted.FromWorking(Call, old.DeepClone());
            return Converted.ToWorking(Call, Run(target, Type, JsonTree.DeepClone(Body), Call), Options, Scope.Warnings);
        }
    }
}

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
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
        patch as JsonMap ?? throw ApiException.BadRequest($"error decoding patch: json: cannot unmarshal {GoJson.KindOf(patch)} into Go value of type map[string]interface {{}}");

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
            var (kind, apiVersion) = (target.GetString("kind") ?? "", target.GetString("apiVersion") ?? "");
            var patched = Run(target, Type, JsonTree.DeepClone(Body), Call);
            CheckKind(patched, kind, apiVersion);
            try
            {
                return Converted.ToWorking(Call, patched, Options, Scope.Warnings);
            }
            catch (ApiException e) when (e.Code == 400)
            {
                throw Undecodable(e, patched);
            }
        }

        /// <summary>
        /// A patch never makes another kind of the object. Upstream decodes what a JSON or merge patch leaves, and refuses what is no object of the kind;
        /// a strategic one changes the fields of a typed object, which kind and apiVersion are not.
        /// </summary>
        private void CheckKind(JsonMap patched, string kind, string apiVersion)
        {
            if (Type != Strategic)
            {
                foreach (var field in (ReadOnlySpan<string>)["kind", "apiVersion"])
                {
                    if (patched[field] is not (null or string))
                        throw Unusable(patched, $"couldn't get version/kind; json parse error: json: cannot unmarshal {GoJson.KindOf(patched[field])} into Go struct field .{field} of type string");
                }
                var (newKind, newVersion) = (patched.GetString("kind") is { Length: > 0 } k ? k : kind, patched.GetString("apiVersion") is { Length: > 0 } v ? v : apiVersion);
                if (BodyDecoder.KindFault(Call, GroupVersion.Parse(newVersion), newKind, Call.Schema.GroupVersionKind) is { } fault)
                    throw Unusable(patched, fault);
                if (newVersion != apiVersion)
                    throw Unusable(patched, $"the API version in the data ({newVersion}) does not match the expected API version ({apiVersion})");
            }
            patched["kind"] = kind;
            patched["apiVersion"] = apiVersion;
        }

        // NOTE: unknown and repeated fields are told as they are for every other write.
        public override ApiException Undecodable(ApiException error, JsonMap produced)
        {
            const string Sentence = " cannot be handled as a ";
            var at = error.Message.IndexOf(Sentence, StringComparison.Ordinal);
            var colon = at < 0 ? -1 : error.Message.IndexOf(": ", at, StringComparison.Ordinal);
            return colon < 0 || error.Message.Contains("strict decoding error", StringComparison.Ordinal) ? error : Unusable(produced, error.Message[(colon + 2)..]);
        }

        private ApiException Unusable(JsonMap patched, string why)
        {
            var errors = new FieldErrors();
            errors.Invalid("patch", Type == Strategic ? GoMap(Body) : System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(patched)), why);
            return ApiException.Invalid(new("", "", ""), "", errors.Errors);
        }

        /// <summary>As Go prints a map: map[a:b c:[1 2]].</summary>
        private static string GoMap(object? value) => value switch
        {
            JsonMap map => $"map[{string.Join(' ', map.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key}:{GoMap(e.Value)}"))}]",
            JsonList list => $"[{string.Join(' ', list.Select(GoMap))}]",
            null => "<nil>",
            bool flag => flag ? "true" : "false",
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!,
        };
    }
}

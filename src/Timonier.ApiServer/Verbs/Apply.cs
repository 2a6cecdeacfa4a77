using System.Text.Json;
using Timonier.Api.Apply;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>PATCH with a configuration to apply: server-side apply. Creates what is not there.</summary>
internal static class Apply
{
    public static async Task HandleAsync(ApiCall call, WritePath writes)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "PatchOptions");
        if (options.FieldManager.Length == 0)
        {
            var errors = new FieldErrors();
            errors.Required("fieldManager", "is required for apply patch");
            throw ApiException.Invalid(new("meta.k8s.io", "v1", "PatchOptions"), "", errors.Errors);
        }
        var duplicates = new List<string>();
        var write = new ApplyWrite
        {
            Scope = call.Scope(options), Resource = call.Store, Options = options, Call = call, Config = Parse(await BodyDecoder.ReadBytesAsync(call.Http), duplicates), Duplicates = duplicates,
        };
        var result = await writes.RunAsync(write, call.Cancel);
        await Responder.WriteAsync(call, result.Created ? 201 : 200, result);
    }

    private static JsonMap Parse(byte[] body, List<string> duplicates)
    {
        try
        {
            return YamlReader.Read(body, fault => BodyDecoder.Note(duplicates, fault)) as JsonMap ?? throw ApiException.BadRequest("error decoding YAML: the configuration is no object");
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw ApiException.BadRequest("error decoding YAML: " + e.Message);
        }
    }

    private sealed class ApplyWrite : Write
    {
        public required ApiCall Call { get; init; }
        public required JsonMap Config { get; init; }
        public required List<string> Duplicates { get; init; }

        public override bool RetriesConflicts => Config.GetPath("metadata", "resourceVersion") is null or "";

        public override bool IsPatch => true;

        public override bool ManagesFields => true;

        public override JsonMap? Produce(JsonMap? old) => throw new NotSupportedException("apply may have to ask a webhook");

        public override ValueTask<JsonMap?> ProduceAsync(JsonMap? old, CancellationToken cancel) =>
            WebhookMemo.RunAsync(Call.Resource.Webhook, memo => Produce(old, memo), cancel);

        private void TellDuplicates()
        {
            if (Duplicates.Count == 0 || Options.FieldValidation == FieldValidation.Ignore)
                return;
            if (Options.FieldValidation == FieldValidation.Strict)
                throw ApiException.BadRequest("error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:" + string.Concat(Duplicates.Select(d => "\n  " + d)));
            foreach (var duplicate in Duplicates.Where(d => !Scope.Warnings.Contains(d)))
                Scope.Warnings.Add(duplicate);
        }

        private JsonMap? Produce(JsonMap? old, WebhookMemo memo)
        {
            if (old is null && Scope.Subresource.Length > 0)
                return null;
            if (old is null && Config.GetPath("metadata", "uid") is string { Length: > 0 } uid)
                throw ApiException.Conflict(Call.Schema.GroupVersion.Group, Call.Schema.Plural, Scope.Name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            var live = old is null ? null : Converted.FromWorking(Call, old.DeepClone());
            var context = FieldManagement.Context(Call.Core, Scope, Resource, Call.Schema, memo);
            var applied = ServerSideApply.Apply(live, Config, Options.FieldManager, Options.Force, context);
            TellDuplicates();
            applied["kind"] = Call.Schema.Kind;
            applied["apiVersion"] = Call.Schema.GroupVersion.ToString();
            return Converted.ToWorking(Call, applied, Options, Scope.Warnings);
        }
    }
}

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Content;

/// <summary>
/// Between the version that a request speaks, the one that writes are worked on in (of built-in kinds the stored one, of custom
/// resources the request's own), and the stored one. Nothing to do where they are the same.
/// </summary>
internal static class Converted
{
    /// <summary>Objects that go to a webhook in one review.</summary>
    public const int BatchMax = 500;

    /// <summary>From what a write is worked on in to what the request speaks.</summary>
    /// <param name="obj">May be changed.</param>
    public static JsonMap FromWorking(ApiCall call, JsonMap obj) => call.Schema.IsBuiltIn() ? FromStored(call.Resource, obj) : obj;

    /// <summary>Fields that the request's version does not know are reported in its words, its defaults set, before it is converted.</summary>
    /// <param name="obj">May be changed.</param>
    public static JsonMap ToWorking(ApiCall call, JsonMap obj, WriteOptions options, IList<string> warnings)
    {
        if (call.Resource.Converter is not { } converter || !call.Schema.IsBuiltIn())
            return obj;
        obj = Normalized(obj, call.Schema.Type, options, warnings);
        converter.ToStored(obj);
        return obj;
    }

    /// <summary>What is left to do once the webhook, if there is one, has been asked.</summary>
    /// <param name="obj">May be changed.</param>
    public static JsonMap FromStored(ServedResource resource, JsonMap obj)
    {
        resource.Converter?.FromStored(obj);
        return obj;
    }

    /// <summary>A stored object as a tree, the webhook asked where its version needs it; <see cref="FromStored"/> is still to come.</summary>
    public static async ValueTask<JsonMap> ParseAsync(ServedResource resource, EncodedObject obj, CancellationToken cancel) =>
        AsksWebhook(resource) ? (await AskAsync(resource, [obj.Parse()], cancel))[0] : obj.Parse();

    /// <summary>As <see cref="ParseAsync"/>, for an object that is a tree already.</summary>
    public static async ValueTask<JsonMap> AskAsync(ServedResource resource, JsonMap obj, CancellationToken cancel) =>
        AsksWebhook(resource) ? (await AskAsync(resource, [obj], cancel))[0] : obj;

    public static async ValueTask<IReadOnlyList<JsonMap>> AskAsync(ServedResource resource, IReadOnlyList<JsonMap> objects, CancellationToken cancel) =>
        AsksWebhook(resource) ? await resource.Webhook!.ConvertAsync(objects, resource.Schema.GroupVersion, cancel) : objects;

    /// <summary>Can objects of the store be in a version that only a webhook knows to convert?</summary>
    public static bool AsksWebhook(ServedResource resource) => resource is { Webhook: not null, Converter: not null };

    /// <summary>Stored objects with their trees, the webhook asked in batches.</summary>
    public static async IAsyncEnumerable<(Entry Entry, JsonMap Object)> AskAsync(ServedResource resource, IEnumerable<Entry> entries, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var batch in entries.Chunk(BatchMax))
        {
            var converted = await AskAsync(resource, [.. batch.Select(e => new EncodedObject(e).Parse())], cancel);
            for (var i = 0; i < batch.Length; i++)
                yield return (batch[i], converted[i]);
        }
    }

    /// <summary>The form that upstream's types give: declared fields in declared order, canonical scalars, defaults; unknown fields are told or refused.</summary>
    public static JsonMap Normalized(JsonMap obj, Api.Schema.TypeSchema type, WriteOptions options, IList<string> warnings)
    {
        var faults = options.FieldValidation == FieldValidation.Ignore ? null : new List<string>();
        var result = Normalizer.Normalize(obj, type, faults);
        if (faults is { Count: > 0 } || options.Duplicates.Count > 0)
            Tell(obj, type, faults!, options, warnings);
        Defaults.Apply(result, type);
        return result;
    }

    /// <summary>Refuses or warns: what stands twice, then what is unknown.</summary>
    private static void Tell(JsonMap obj, Api.Schema.TypeSchema type, List<string> unknown, WriteOptions options, IList<string> warnings)
    {
        if (type.Custom)
            unknown.Sort(StringComparer.Ordinal);
        if (options.FieldValidation == FieldValidation.Strict)
        {
            // YAML's reader tells all that it found as one error.
            var lines = options.Duplicates.Where(d => d.StartsWith("line ", StringComparison.Ordinal)).ToList();
            var yaml = lines.Count > 0 ? ["yaml: unmarshal errors:" + string.Concat(lines.Select(l => "\n  " + l))] : Array.Empty<string>();
            throw Normalizer.StrictError(obj, type, [.. yaml, .. options.Duplicates.Except(lines), .. unknown]);
        }
        foreach (var warning in options.Duplicates.Concat(unknown).Where(w => !warnings.Contains(w)))
            warnings.Add(warning);
    }
}

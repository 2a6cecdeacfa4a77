using System.Security.Cryptography;
using System.Text.Json;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.CustomResources;

/// <summary>
/// Converts by asking the webhook of a definition (apiextensions.k8s.io ConversionReview). Whatever it answers, an object stays the object it
/// was: of its metadata only labels and annotations may change. Source: apiextensions-apiserver conversion/webhook_converter.go.
/// </summary>
/// <param name="declared">spec.conversion.webhook.</param>
internal sealed class ConversionWebhook(JsonMap declared, WebhookCaller caller) : IObjectWebhook
{
    /// <summary>As upstream's.</summary>
    private const int TimeoutSeconds = 30;

    private readonly WebhookClientConfig _client = ReadClient(declared.GetMap("clientConfig") ?? []);
    private readonly string? _reviewVersion = (declared.GetList("conversionReviewVersions") ?? []).OfType<string>().FirstOrDefault(v => v is "v1" or "v1beta1");

    public async ValueTask<IReadOnlyList<JsonMap>> ConvertAsync(IReadOnlyList<JsonMap> objects, GroupVersion to, CancellationToken cancel)
    {
        var desired = to.ToString();
        var sent = objects.Where(o => o.GetString("apiVersion") != desired).ToList();
        if (sent.Count == 0)
            return objects;
        var converted = await AskAsync(sent, desired, cancel);
        var (result, next) = (new List<JsonMap>(objects.Count), 0);
        foreach (var original in objects)
        {
            if (original.GetString("apiVersion") == desired)
            {
                result.Add(original);
                continue;
            }
            result.Add(Checked(original, converted[next], desired, next));
            next++;
        }
        return result;
    }

    private async Task<List<object?>> AskAsync(List<JsonMap> sent, string desired, CancellationToken cancel)
    {
        var uid = new Guid(RandomNumberGenerator.GetBytes(16)).ToString();
        var review = new JsonMap
        {
            ["kind"] = "ConversionReview", ["apiVersion"] = "apiextensions.k8s.io/" + (_reviewVersion ?? throw Failed(sent[0], "no supported conversion review versions")),
            ["request"] = new JsonMap { ["uid"] = uid, ["desiredAPIVersion"] = desired, ["objects"] = new JsonList(sent) },
        };
        JsonList converted;
        try
        {
            converted = Answer(await caller.AskAsync(_client, TimeoutSeconds, review, cancel), uid);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or FormatException or JsonException)
        {
            throw Failed(sent[0], $"failed: {e.Message}");
        }
        return converted.Count == sent.Count ? [.. converted] : throw Failed(sent[0], $"returned {converted.Count} objects, expected {sent.Count}");
    }

    /// <exception cref="FormatException">The review is no answer to the question, or the webhook says that it failed.</exception>
    private JsonList Answer(JsonMap review, string uid)
    {
        var response = review.GetMap("response");
        if (_reviewVersion == "v1")
        {
            if ((review.GetString("apiVersion"), review.GetString("kind")) != ("apiextensions.k8s.io/v1", "ConversionReview"))
                throw new FormatException($"expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got {review.GetString("apiVersion")}, Kind={review.GetString("kind")}");
            if (response is not null && response.GetString("uid") != uid)
                throw new FormatException($"expected response.uid=\"{uid}\", got \"{response.GetString("uid")}\"");
        }
        if (response is null)
            throw new FormatException("no response provided");
        var result = response.GetMap("result");
        if (result?.GetString("status") != "Success")
            throw new FormatException(result?.GetString("message") is { Length: > 0 } message ? message : $"response.result.status was '{result?.GetString("status")}', not 'Success'");
        return response.GetList("convertedObjects") ?? [];
    }

    private static JsonMap Checked(JsonMap original, object? answer, string desired, int index)
    {
        ApiException Invalid(string why) => Failed(original, $"returned invalid converted object at index {index}: {why}");
        var converted = answer as JsonMap ?? throw Invalid("invalid type, expected=Unstructured");
        if (converted.GetString("apiVersion") != desired)
            throw Invalid($"invalid groupVersion (expected {desired}, received {converted.GetString("apiVersion")})");
        if (converted.GetString("kind") != original.GetString("kind"))
            throw Invalid($"invalid kind (expected {original.GetString("kind")}, received {converted.GetString("kind")})");
        var (before, after) = (original.GetMap("metadata") ?? [], converted.GetMap("metadata"));
        foreach (var (field, shown) in (ReadOnlySpan<(string, string)>)[("name", "name"), ("namespace", "namespace"), ("uid", "UID")])
        {
            var (e, a) = (before.GetString(field) ?? "", after?.GetString(field) ?? "");
            if (e != a)
                throw Invalid($"must have the same {shown}: {e} != {a}");
        }
        converted["metadata"] = Metadata(original, before, after ?? throw FailedMetadata(original, index, "missing metadata in converted object"), index);
        return converted;
    }

    /// <summary>The metadata as it was, with the labels and annotations of the answer.</summary>
    private static JsonMap Metadata(JsonMap original, JsonMap before, JsonMap after, int index)
    {
        var metadata = before.DeepClone();
        var errors = new FieldErrors();
        foreach (var field in (ReadOnlySpan<string>)["labels", "annotations"])
        {
            switch (after[field])
            {
                case null:
                    metadata.Remove(field);
                    break;
                case JsonMap map when map.All(i => i.Value is string):
                    metadata[field] = map;
                    break;
                case JsonMap:
                    throw FailedMetadata(original, index, $"metadata.{field} must be a map of strings");
                default:
                    throw FailedMetadata(original, index, $"invalid metadata.{field} of type in converted object");
            }
        }
        MetadataValidation.Labels(metadata.GetMap("labels"), errors, "metadata.labels");
        MetadataValidation.Annotations(metadata.GetMap("annotations"), errors, "metadata.annotations");
        return errors.Any ? throw FailedMetadata(original, index, string.Join(", ", errors.Errors)) : metadata;
    }

    private static ApiException FailedMetadata(JsonMap original, int index, string why) => Failed(original, $"returned invalid metadata in object at index {index}: {why}");

    /// <summary>No Status of its own upstream, so it has neither reason nor details.</summary>
    private static ApiException Failed(JsonMap original, string what) => new(500, "", $"conversion webhook for {original.GetString("apiVersion")}, Kind={original.GetString("kind")} {what}");

    private static WebhookClientConfig ReadClient(JsonMap config)
    {
        var reader = new Utf8JsonReader(JsonEncoder.Encode(config));
        reader.Read();
        return WebhookClientConfig.Read(ref reader);
    }
}

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission.Webhooks;

/// <summary>The question to a webhook and its answer (admission.k8s.io AdmissionReview).</summary>
internal static class Review
{
    public static JsonMap Request(AdmissionAttributes attributes, ResourceSchema seen, string version, string uid)
    {
        var (scope, asSeen) = (attributes.Scope, seen.Resource);
        // A subresource has a body of its own kind (Eviction, Scale, PodExecOptions).
        var body = scope.Resource.Subresource(scope.Subresource);
        var bodyVersion = body?.GroupVersion;
        var kind = new JsonMap { ["group"] = bodyVersion?.Group ?? asSeen.Group, ["version"] = bodyVersion?.Version ?? asSeen.Version, ["kind"] = body?.Kind ?? seen.Kind };
        var resource = new JsonMap { ["group"] = asSeen.Group, ["version"] = asSeen.Version, ["resource"] = asSeen.Resource };
        var asked = scope.Resource.GroupVersion;
        var user = new JsonMap { ["username"] = scope.User.Name, ["groups"] = new JsonList(scope.User.Groups) };
        if (scope.User.Uid.Length > 0)
            user["uid"] = scope.User.Uid;
        foreach (var (key, values) in scope.User.Extra)
            user.EnsureMap("extra")[key] = new JsonList(values);
        var request = new JsonMap
        {
            ["uid"] = uid, ["kind"] = kind, ["resource"] = resource,
            ["requestKind"] = new JsonMap { ["group"] = bodyVersion?.Group ?? asked.Group, ["version"] = bodyVersion?.Version ?? asked.Version, ["kind"] = body?.Kind ?? scope.Resource.Kind },
            ["requestResource"] = new JsonMap { ["group"] = asked.Group, ["version"] = asked.Version, ["resource"] = scope.Resource.Plural },
        };
        if (scope.Subresource.Length > 0)
            request["subResource"] = request["requestSubResource"] = scope.Subresource;
        if (attributes.NameOrGenerateName() is { } name and not "Unknown" && (scope.Name.Length > 0 || attributes.Object?.GetPath("metadata", "name") is string))
            request["name"] = name;
        if (scope.Namespace.Length > 0)
            request["namespace"] = scope.Namespace;
        request["operation"] = attributes.Operation;
        request["userInfo"] = user;
        request["object"] = attributes.Object;
        request["oldObject"] = attributes.OldObject;
        request["dryRun"] = scope.DryRun;
        request["options"] = attributes.Options ?? Options(attributes.Operation);
        return new JsonMap { ["kind"] = "AdmissionReview", ["apiVersion"] = "admission.k8s.io/" + version, ["request"] = request };
    }

    /// <summary>Applies what the answer says to the object. True when it changed.</summary>
    /// <exception cref="ApiException">The webhook refuses.</exception>
    /// <exception cref="FormatException">The answer is none.</exception>
    public static bool Answer(Webhook webhook, AdmissionAttributes attributes, JsonMap review, string version, string uid, bool mutating)
    {
        if (review.GetMap("response") is not { } response)
            throw new FormatException("webhook response was absent");
        CheckForm(review, response, version, uid, mutating);
        // Validating webhooks answer side by side.
        lock (attributes.Scope.Warnings)
        {
            foreach (var warning in response.Texts("warnings"))
                attributes.Scope.Warnings.Add(warning);
        }
        foreach (var (key, value) in response.GetMap("auditAnnotations") ?? [])
            attributes.Scope.Annotate?.Invoke($"{webhook.Name}/{key}", value as string ?? "");
        if (response.GetBool("allowed") != true)
            throw Refusal(webhook.Name, response.GetMap("status") ?? response.GetMap("result"));
        if (!mutating || response.GetString("patch") is not { Length: > 0 } encoded || Patch(encoded) is not { Count: > 0 } patch)
        {
            if (mutating)
                WebhookAnnotations.Asked(webhook, attributes, null);
            return false;
        }
        if (attributes.Object is not { } obj)
            throw ApiException.InternalError($"admission webhook \"{webhook.Name}\" attempted to modify the object, which is not supported for this operation");
        var patched = Patched(obj, patch);
        var changed = !JsonTree.DeepEquals(patched, obj);
        WebhookAnnotations.Asked(webhook, attributes, changed ? patch : null);
        if (changed)
            attributes.Replace(patched);
        return changed;
    }

    /// <summary>The first version of a review has more rules than the one before.</summary>
    private static void CheckForm(JsonMap review, JsonMap response, string version, string uid, bool mutating)
    {
        var (patch, type) = (response.GetString("patch") ?? "", response.GetString("patchType"));
        if (version == "v1")
        {
            if (response.Text("uid") != uid)
                throw new FormatException($"expected response.uid=\"{uid}\", got \"{response.Text("uid")}\"");
            if ((review.Text("apiVersion"), review.Text("kind")) != ("admission.k8s.io/v1", "AdmissionReview"))
                throw new FormatException($"expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {review.Text("apiVersion")}, Kind={review.Text("kind")}");
            if (!mutating && patch.Length > 0)
                throw new FormatException("validating webhook may not return response.patch");
            if (!mutating && type is not null)
                throw new FormatException("validating webhook may not return response.patchType");
            if (patch.Length > 0 && type is null)
                throw new FormatException("webhook returned response.patch but not response.patchType");
            if (patch.Length == 0 && type is not null)
                throw new FormatException("webhook returned response.patchType but not response.patch");
        }
        if (mutating && patch.Length > 0 && type is not (null or "JSONPatch"))
            throw new FormatException($"webhook returned invalid response.patchType of \"{type}\"");
    }

    private static JsonList? Patch(string encoded)
    {
        try
        {
            return JsonParser.Parse(Convert.FromBase64String(encoded)) as JsonList;
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            throw ApiException.InternalError(e.Message, e);
        }
    }

    private static JsonMap Patched(JsonMap obj, JsonList patch)
    {
        try
        {
            return JsonPatch.Apply(obj.DeepClone(), patch) as JsonMap ?? throw ApiException.InternalError("the patch leaves no object");
        }
        catch (ApiException e) when (e.Code < 500)
        {
            // The fault is the webhook's, not the client's.
            throw ApiException.InternalError(e.Message, e);
        }
    }

    private static ApiException Refusal(string webhook, JsonMap? status)
    {
        var denied = $"admission webhook \"{webhook}\" denied the request";
        var message = status?.Text("message") is { Length: > 0 } told ? $"{denied}: {told}" : status?.Text("reason") is { Length: > 0 } reason ? $"{denied}: {reason}" : $"{denied} without explanation";
        // A refusal is never a success, whatever code the webhook gave it.
        var code = Math.Max(400, (int)(status?.GetInteger("code") ?? 0));
        return new ApiException(code, status?.Text("reason") ?? "", message) { Details = status?.GetMap("details") };
    }

    private static JsonMap? Options(string operation) => operation switch
    {
        "CREATE" => new() { ["kind"] = "CreateOptions", ["apiVersion"] = "meta.k8s.io/v1" },
        "UPDATE" => new() { ["kind"] = "UpdateOptions", ["apiVersion"] = "meta.k8s.io/v1" },
        "DELETE" => new() { ["kind"] = "DeleteOptions", ["apiVersion"] = "meta.k8s.io/v1" },
        _ => null,
    };
}

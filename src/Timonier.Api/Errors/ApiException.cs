using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Errors;

/// <summary>
/// A refusal by the API: what the server answers as a meta/v1 Status and what the client throws when it gets one. The
/// factories are the one table from named errors to reason, HTTP code and upstream's message.
/// </summary>
public sealed class ApiException : Exception
{
    public ApiException(int code, string reason, string message, Exception? inner = null) : base(message, inner) => (Code, Reason) = (code, reason);

    /// <summary>The HTTP status code.</summary>
    public int Code { get; }

    /// <summary>metav1.StatusReason; empty when unknown.</summary>
    public string Reason { get; }

    /// <summary>The details of the Status; null when there are none. Treat as read-only.</summary>
    public JsonMap? Details { get; init; }

    /// <summary>Sent as Retry-After; null when the client should not wait for anything.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The metadata.continue of the Status: with an expired token, one to go on with. Null when there is none.</summary>
    public string? ListContinue { get; init; }

    public bool IsNotFound => Reason == "NotFound" || (Code == 404 && Reason.Length == 0);
    public bool IsConflict => Reason == "Conflict";
    public bool IsAlreadyExists => Reason == "AlreadyExists";
    public bool IsForbidden => Reason == "Forbidden";
    public bool IsInvalid => Reason == "Invalid";
    public bool IsExpired => Reason is "Expired" or "Gone";
    public bool IsTooManyRequests => Code == 429;
    public bool IsServerTimeout => Reason is "ServerTimeout" or "Timeout";

    /// <summary>Is a namespace about to go the reason of a refusal to create in it?</summary>
    public bool IsNamespaceTerminating =>
        IsForbidden && Details?.GetList("causes") is { } causes && causes.OfType<JsonMap>().Any(c => c.GetString("reason") == "NamespaceTerminating");

    public static ApiException NotFound(string group, string resource, string name) =>
        new(404, "NotFound", $"{Qualify(group, resource)} \"{name}\" not found") { Details = Describe(group, resource, name) };

    public static ApiException AlreadyExists(string group, string resource, string name) =>
        new(409, "AlreadyExists", $"{Qualify(group, resource)} \"{name}\" already exists") { Details = Describe(group, resource, name) };

    public static ApiException Conflict(string group, string resource, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {Qualify(group, resource)} \"{name}\": {why}") { Details = Describe(group, resource, name) };

    /// <summary>The object was changed since the client read it.</summary>
    public static ApiException Modified(string group, string resource, string name) =>
        Conflict(group, resource, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException Forbidden(string group, string resource, string name, string why) =>
        new(403, "Forbidden", resource.Length == 0 ? $"forbidden: {why}" : name.Length == 0 ? $"{Qualify(group, resource)} is forbidden: {why}" : $"{Qualify(group, resource)} \"{name}\" is forbidden: {why}")
        { Details = Describe(group, resource, name) };

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException MethodNotSupported(string group, string resource, string verb) =>
        new(405, "MethodNotAllowed", $"{verb} is not supported on resources of kind \"{Qualify(group, resource)}\"") { Details = Describe(group, resource, "") };

    public static ApiException UnsupportedMediaType(string message) => new(415, "UnsupportedMediaType", message);

    public static ApiException NotAcceptable(string message) => new(406, "NotAcceptable", message);

    public static ApiException RequestEntityTooLarge(string message) => new(413, "RequestEntityTooLarge", message);

    /// <summary>A watch or continue token is older than what is kept.</summary>
    public static ApiException Expired(string message) => new(410, "Expired", message);

    public static ApiException Gone(string message) => new(410, "Gone", message);

    public static ApiException TooManyRequests(string message, int retryAfterSeconds) =>
        new(429, "TooManyRequests", message) { RetryAfterSeconds = retryAfterSeconds, Details = new() { ["retryAfterSeconds"] = (long)retryAfterSeconds } };

    public static ApiException InternalError(string message, Exception? inner = null) => new(500, "InternalError", $"Internal error occurred: {message}", inner);

    public static ApiException ServiceUnavailable(string message) => new(503, "ServiceUnavailable", message);

    public static ApiException Timeout(string message, int retryAfterSeconds = 1) => new(504, "Timeout", $"Timeout: {message}") { RetryAfterSeconds = retryAfterSeconds };

    /// <summary>Validation failed: one cause per field.</summary>
    public static ApiException Invalid(GroupVersionKind kind, string name, IReadOnlyList<FieldError> errors)
    {
        var causes = new JsonList();
        foreach (var error in errors)
            causes.Add(new JsonMap { ["reason"] = error.Reason, ["message"] = error.Detail, ["field"] = error.Field });
        var details = Describe(kind.Group, kind.Kind, name);
        details["causes"] = causes;
        var text = errors.Count == 1 ? errors[0].ToString() : "[" + string.Join(", ", errors.Select(e => e.ToString())) + "]";
        return new(422, "Invalid", $"{Qualify(kind.Group, kind.Kind)} \"{name}\" is invalid: {text}") { Details = details };
    }

    /// <summary>The meta/v1 Status object that the server sends.</summary>
    public JsonMap ToStatus()
    {
        var status = new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = ListContinue is null ? [] : new JsonMap { ["continue"] = ListContinue }, ["status"] = "Failure", ["message"] = Message };
        if (Reason.Length > 0)
            status["reason"] = Reason;
        if (Details is not null)
            status["details"] = Details;
        status["code"] = (long)Code;
        return status;
    }

    /// <summary>From a Status that a server sent.</summary>
    public static ApiException FromStatus(int httpCode, JsonMap status) =>
        new((int)(status.GetInteger("code") ?? httpCode), status.GetString("reason") ?? "", status.GetString("message") ?? $"the server answered {httpCode}")
        { Details = status.GetMap("details"), ListContinue = status.GetMap("metadata")?.GetString("continue"), RetryAfterSeconds = (int?)status.GetMap("details")?.GetInteger("retryAfterSeconds") };

    private static string Qualify(string group, string resource) => group.Length == 0 ? resource : $"{resource}.{group}";

    private static JsonMap Describe(string group, string resource, string name)
    {
        var details = new JsonMap();
        if (name.Length > 0)
            details["name"] = name;
        if (group.Length > 0)
            details["group"] = group;
        if (resource.Length > 0)
            details["kind"] = resource;
        return details;
    }
}

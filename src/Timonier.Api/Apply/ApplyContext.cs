using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Apply;

/// <summary>What field management must know of a request.</summary>
public sealed record ApplyContext
{
    /// <summary>The schema of the objects given, all in the request's version.</summary>
    public required TypeSchema Type { get; init; }

    /// <summary>The request's version: "apps/v1".</summary>
    public required string ApiVersion { get; init; }

    /// <summary>"status", "scale", ...; empty for the resource itself.</summary>
    public string Subresource { get; init; } = "";
    public required TimeProvider Time { get; init; }

    /// <summary>Fields that the request cannot change and so never owns, as fieldsV1: {"f:status":{}} on the main resource. Null: none.</summary>
    public JsonMap? ResetFields { get; init; }

    /// <summary>
    /// Converts an object to another version, for managers that wrote in it; null when the version is gone (its managers are forgotten).
    /// Itself null for a resource with one version.
    /// </summary>
    public Func<JsonMap, string, (JsonMap Object, TypeSchema Type)?>? Convert { get; init; }

    internal FieldSet Ignored => ResetFields is null ? FieldSet.Empty : FieldSet.FromJson(ResetFields);

    internal (JsonMap Object, TypeSchema Type)? InVersion(JsonMap obj, string apiVersion) =>
        apiVersion == ApiVersion ? (obj, Type) : Convert?.Invoke(obj, apiVersion);
}

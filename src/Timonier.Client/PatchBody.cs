using Timonier.Api.Json;

namespace Timonier.Client;

/// <summary>A change to an object, in one of the four forms that the API knows.</summary>
public sealed record PatchBody(string ContentType, ReadOnlyMemory<byte> Body)
{
    public const string JsonType = "application/json-patch+json";
    public const string MergeType = "application/merge-patch+json";
    public const string StrategicType = "application/strategic-merge-patch+json";
    public const string ApplyType = "application/apply-patch+yaml";

    /// <summary>Who sets the fields; required for apply.</summary>
    public string FieldManager { get; init; } = "";

    /// <summary>Apply only: take fields that another manager has.</summary>
    public bool Force { get; init; }
    public bool DryRun { get; init; }

    /// <summary>RFC 7396.</summary>
    public static PatchBody Merge(JsonMap patch) => new(MergeType, JsonEncoder.Encode(patch));

    /// <summary>RFC 6902.</summary>
    public static PatchBody Json(JsonList operations) => new(JsonType, JsonEncoder.Encode(operations));

    public static PatchBody Strategic(JsonMap patch) => new(StrategicType, JsonEncoder.Encode(patch));

    public static PatchBody Apply(JsonMap configuration, string fieldManager, bool force = false) =>
        new(ApplyType, JsonEncoder.Encode(configuration)) { FieldManager = fieldManager, Force = force };

    internal string Query(string defaultManager) => new QueryBuilder()
        .Add("fieldManager", FieldManager.Length > 0 ? FieldManager : defaultManager).Add("force", Force).Add("dryRun", DryRun ? "All" : null).ToString();
}

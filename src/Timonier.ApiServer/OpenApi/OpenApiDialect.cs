using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>The two forms of the same facts: Swagger 2.0 and OpenAPI 3.0.</summary>
internal enum OpenApiDialect { V2, V3 }

/// <summary>Names and small pieces that both forms share.</summary>
internal static class OpenApiNames
{
    public const string Quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
    public const string IntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
    public const string Time = Meta + "Time";
    public const string MicroTime = Meta + "MicroTime";
    public const string Duration = Meta + "Duration";
    public const string FieldsV1 = Meta + "FieldsV1";
    public const string Patch = Meta + "Patch";
    public const string ObjectMeta = Meta + "ObjectMeta";
    public const string ListMeta = Meta + "ListMeta";
    public const string GroupVersionKind = "x-kubernetes-group-version-kind";
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    public static JsonMap Reference(string name, OpenApiDialect dialect) => new() { ["$ref"] = (dialect == OpenApiDialect.V2 ? "#/definitions/" : "#/components/schemas/") + name };

    public static JsonMap Kind(GroupVersion version, string kind) => new() { ["group"] = version.Group, ["kind"] = kind, ["version"] = version.Version };

    /// <summary>"stable.example.com", "v1", "CronTab" is "com.example.stable.v1.CronTab".</summary>
    public static string Custom(GroupVersion version, string kind) => string.Join('.', version.Group.Split('.').Reverse()) + "." + version.Version + "." + kind;

    /// <summary>The definitions that stand for what is no struct.</summary>
    public static IEnumerable<(string Name, JsonMap Schema)> Scalars(OpenApiDialect dialect)
    {
        yield return (Time, new() { ["type"] = "string", ["format"] = "date-time" });
        yield return (MicroTime, new() { ["type"] = "string", ["format"] = "date-time" });
        yield return (Duration, new() { ["type"] = "string" });
        yield return (FieldsV1, new() { ["type"] = "object" });
        yield return (Patch, new() { ["type"] = "object" });
        yield return dialect == OpenApiDialect.V2
            ? (Quantity, new() { ["type"] = "string" })
            : (Quantity, new() { ["oneOf"] = new JsonList { new JsonMap { ["type"] = "string" }, new JsonMap { ["type"] = "number" } } });
        yield return dialect == OpenApiDialect.V2
            ? (IntOrString, new() { ["type"] = "string", ["format"] = "int-or-string" })
            : (IntOrString, new() { ["format"] = "int-or-string", ["oneOf"] = new JsonList { new JsonMap { ["type"] = "integer" }, new JsonMap { ["type"] = "string" } } });
    }
}

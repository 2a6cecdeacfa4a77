using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.CustomResources;

/// <summary>A column of "kubectl get" that a definition declares.</summary>
/// <param name="Type">integer, number, string, boolean or date.</param>
public sealed record PrinterColumn(string Name, string Type, string Format, string Description, long Priority, string JsonPath);

/// <summary>The scale subresource: simple JSON paths such as ".spec.replicas"; the selector's may be empty.</summary>
public sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string LabelSelector);

/// <summary>One version of a custom resource, ready to be served.</summary>
public sealed record CustomResourceVersion
{
    public required string Name { get; init; }
    public required bool Served { get; init; }
    public required bool Storage { get; init; }

    /// <summary>The Warning that requests of a deprecated version get; null for others.</summary>
    public string? DeprecationWarning { get; init; }

    /// <summary>The resource as all machinery takes it: pruning, defaults, apply, discovery.</summary>
    public required ResourceSchema Resource { get; init; }

    /// <summary>Checks values, which the type alone cannot.</summary>
    public required SchemaValidator Validator { get; init; }

    /// <summary>The rules in the Common Expression Language; null when there are none.</summary>
    public CelRules? Rules { get; init; }

    /// <summary>Checks an object that is pruned and defaulted: its schema, then the rules.</summary>
    /// <param name="old">The object before an update; null on create.</param>
    public void Validate(JsonMap obj, JsonMap? old, FieldErrors errors)
    {
        Validator.Validate(obj, old, "", errors);
        // A rule would stumble over what is missing or of another type.
        if (Rules is not null && errors.Errors.Any(e => e.Reason is "FieldValueRequired" or "FieldValueTooLong" or "FieldValueTooMany" or "FieldValueTypeInvalid"))
            errors.Invalid("<nil>", "", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");
        else
            Rules?.Validate(obj, old, errors);
    }

    /// <summary>The declared schema, for OpenAPI; null when there is none.</summary>
    public JsonMap? OpenApi { get; init; }
    public IReadOnlyList<PrinterColumn> Columns { get; init; } = [];
    public bool HasStatus { get; init; }
    public ScalePaths? Scale { get; init; }
}

/// <summary>A CustomResourceDefinition, compiled.</summary>
public sealed record CustomResource
{
    public required string Name { get; init; }
    public required string Group { get; init; }
    public required string ListKind { get; init; }
    public required IReadOnlyList<CustomResourceVersion> Versions { get; init; }

    /// <summary>The webhook's client configuration and accepted review versions (spec.conversion.webhook); null: versions differ in name only.</summary>
    public JsonMap? ConversionWebhook { get; init; }

    public CustomResourceVersion Storage => Versions.First(v => v.Storage);

    /// <param name="definition">A valid apiextensions.k8s.io/v1 CustomResourceDefinition, normalized and defaulted.</param>
    /// <exception cref="FormatException">A pattern or limit in a schema is none; validation would have refused it.</exception>
    public static CustomResource Compile(JsonMap definition, ApiSchema builtIn)
    {
        var spec = definition.GetMap("spec") ?? [];
        var names = spec.GetMap("names") ?? [];
        var group = spec.GetString("group") ?? "";
        var kind = names.GetString("kind") ?? "";
        var versions = (spec.GetList("versions") ?? []).OfType<JsonMap>().ToList();
        var stored = versions.FirstOrDefault(v => v.GetBool("storage") == true)?.GetString("name") ?? "";
        var conversion = spec.GetMap("conversion");
        return new CustomResource
        {
            Name = definition.GetMap("metadata")?.GetString("name") ?? "",
            Group = group,
            ListKind = names.GetString("listKind") is { Length: > 0 } list ? list : kind + "List",
            ConversionWebhook = conversion?.GetString("strategy") == "Webhook" ? conversion.GetMap("webhook") : null,
            // Upstream's discovery and preference order: by stability, then number.
            Versions = [.. versions.Select(v => Version(v, group, names, spec.GetString("scope") == "Namespaced", stored, builtIn)).OrderBy(v => v.Name, VersionPriority.Comparer)],
        };
    }

    private static CustomResourceVersion Version(JsonMap version, string group, JsonMap names, bool namespaced, string stored, ApiSchema builtIn)
    {
        var name = version.GetString("name") ?? "";
        var kind = names.GetString("kind") ?? "";
        var schema = version.GetMap("schema")?.GetMap("openAPIV3Schema");
        var subresources = version.GetMap("subresources");
        var scale = subresources?.GetMap("scale");
        var plural = names.GetString("plural") ?? "";
        var type = CustomTypes.Compile(kind, group, name, schema, builtIn);
        var resource = new ResourceSchema
        {
            GroupVersion = new(group, name),
            Plural = plural,
            Singular = names.GetString("singular") is { Length: > 0 } singular ? singular : kind.ToLowerInvariant(),
            Kind = kind,
            Namespaced = namespaced,
            Type = type,
            ShortNames = Strings(names.GetList("shortNames")),
            Categories = Strings(names.GetList("categories")),
            SelectableFields = [.. (version.GetList("selectableFields") ?? []).OfType<JsonMap>().Select(f => (f.GetString("jsonPath") ?? "").TrimStart('.'))],
            Verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
            Subresources = Subresources(subresources, kind),
            StorageVersion = new(group, stored),
            StorageVersionHash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{group}/{stored}/{kind}")).AsSpan(0, 8)),
            StoragePrefix = $"{group}/{plural}",
        };
        return new CustomResourceVersion
        {
            Name = name,
            Served = version.GetBool("served") == true,
            Storage = name == stored,
            DeprecationWarning = version.GetBool("deprecated") != true ? null
                : version.GetString("deprecationWarning") ?? $"{group}/{name} {kind} is deprecated",
            Resource = resource,
            Validator = SchemaValidator.Compile(schema ?? []),
            Rules = CelRules.Compile(schema ?? [], "", new FieldErrors()),
            OpenApi = schema,
            Columns = Columns(version.GetList("additionalPrinterColumns")),
            HasStatus = subresources?.ContainsKey("status") == true,
            Scale = scale is null ? null : new(scale.GetString("specReplicasPath") ?? "", scale.GetString("statusReplicasPath") ?? "", scale.GetString("labelSelectorPath") ?? ""),
        };
    }

    private static string[] Strings(JsonList? list) => [.. (list ?? []).OfType<string>()];

    private static List<SubresourceSchema> Subresources(JsonMap? subresources, string kind)
    {
        var result = new List<SubresourceSchema>();
        if (subresources?.ContainsKey("status") == true)
            result.Add(new("status", kind, null, ["get", "patch", "update"], Connect: false));
        if (subresources?.GetMap("scale") is not null)
            result.Add(new("scale", "Scale", new GroupVersion("autoscaling", "v1"), ["get", "patch", "update"], Connect: false));
        return result;
    }

    /// <summary>Without declared columns there is the age, as upstream.</summary>
    private static List<PrinterColumn> Columns(JsonList? columns)
    {
        if (columns is not { Count: > 0 })
            return [new("Age", "date", "", AgeDescription, 0, ".metadata.creationTimestamp")];
        return [.. columns.OfType<JsonMap>().Select(c => new PrinterColumn(c.GetString("name") ?? "", c.GetString("type") ?? "", c.GetString("format") ?? "",
            c.GetString("description") ?? "", c.GetInteger("priority") ?? 0, c.GetString("jsonPath") ?? ""))];
    }

    private const string AgeDescription = "CreationTimestamp is a timestamp representing the server time when this object was created.";
}

using System.Globalization;
using System.Text.RegularExpressions;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>Defaults and validation of CustomResourceDefinition objects themselves, in upstream's words.</summary>
public static partial class CustomResourceDefinitions
{
    private const int SelectableFieldsMax = 8;

    /// <summary>Changes a normalized definition in place.</summary>
    public static void Default(JsonMap definition)
    {
        var spec = definition.EnsureMap("spec");
        var names = spec.EnsureMap("names");
        var kind = names.GetString("kind") ?? "";
        if (kind.Length > 0 && names.GetString("singular") is not { Length: > 0 })
            names["singular"] = kind.ToLowerInvariant();
        if (kind.Length > 0 && names.GetString("listKind") is not { Length: > 0 })
            names["listKind"] = kind + "List";
        if (spec.GetMap("conversion") is null)
            spec["conversion"] = new JsonMap { ["strategy"] = "None" };
        if (spec.GetPath("conversion", "webhook", "clientConfig", "service") is JsonMap service && service.GetInteger("port") is null)
            service["port"] = 443L;
    }

    /// <param name="old">The definition before an update; null on create.</param>
    public static void Validate(JsonMap definition, JsonMap? old, FieldErrors errors)
    {
        var spec = definition.GetMap("spec") ?? [];
        var names = spec.GetMap("names") ?? [];
        var group = spec.GetString("group") ?? "";
        var name = definition.GetMap("metadata")?.GetString("name") ?? "";
        if (name != $"{names.GetString("plural")}.{group}")
            errors.Invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
        if (group.Length == 0)
            errors.Required("spec.group");
        else if (!Subdomain().IsMatch(group))
            errors.Invalid("spec.group", group, SubdomainRule);
        else if (!group.Contains('.', StringComparison.Ordinal))
            errors.Invalid("spec.group", group, "should be a domain with at least one dot");
        if (spec.GetString("scope") is not { Length: > 0 } scope)
            errors.Required("spec.scope");
        else if (scope is not ("Cluster" or "Namespaced"))
            errors.NotSupported("spec.scope", scope, ["Cluster", "Namespaced"]);
        ValidateNames(names, errors);
        ValidateVersions(spec.GetList("versions") ?? [], old?.GetPath("spec", "versions") as JsonList, errors);
        ValidateConversion(spec.GetMap("conversion"), errors);
        if (spec.GetBool("preserveUnknownFields") == true)
            errors.Invalid("spec.preserveUnknownFields", true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
        if (old is null || old.GetPath("metadata", "annotations", Approved) as string != definition.GetPath("metadata", "annotations", Approved) as string)
            ValidateApproval(definition, group, errors);
        if (old?.GetMap("spec") is { } oldSpec)
            ValidateUpdate(definition, spec, old, oldSpec, errors);
    }

    private static void ValidateUpdate(JsonMap definition, JsonMap spec, JsonMap old, JsonMap oldSpec, FieldErrors errors)
    {
        var established = (old.GetMap("status")?.GetList("conditions") ?? []).OfType<JsonMap>().Any(c => c.GetString("type") == "Established" && c.GetString("status") == "True");
        if (established)
        {
            Immutable("spec.scope", spec.GetString("scope"), oldSpec.GetString("scope"), errors);
            Immutable("spec.names.kind", spec.GetMap("names")?.GetString("kind"), oldSpec.GetMap("names")?.GetString("kind"), errors);
        }
        Immutable("spec.group", spec.GetString("group"), oldSpec.GetString("group"), errors);
        Immutable("spec.names.plural", spec.GetMap("names")?.GetString("plural"), oldSpec.GetMap("names")?.GetString("plural"), errors);
        var stored = definition.GetMap("status")?.GetList("storedVersions") ?? [];
        for (var i = 0; i < stored.Count; i++)
        {
            if (!(spec.GetList("versions") ?? []).OfType<JsonMap>().Any(v => v.GetString("name") == stored[i] as string))
                errors.Invalid(string.Create(CultureInfo.InvariantCulture, $"status.storedVersions[{i}]"), stored[i], "missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions".Replace("v1", stored[i] as string, StringComparison.Ordinal));
        }
    }

    private static void Immutable(string path, string? now, string? before, FieldErrors errors)
    {
        if (now != before)
            errors.Invalid(path, now, "field is immutable");
    }

    private static void ValidateNames(JsonMap names, FieldErrors errors)
    {
        Label("spec.names.plural", names.GetString("plural"), errors);
        Label("spec.names.singular", names.GetString("singular"), errors);
        var kind = names.GetString("kind") ?? "";
        var listKind = names.GetString("listKind") ?? "";
        Kind("spec.names.kind", kind, errors);
        Kind("spec.names.listKind", listKind, errors);
        if (kind.Length > 0 && kind == listKind)
            errors.Invalid("spec.names.listKind", listKind, "kind and listKind may not be the same");
        foreach (var list in (ReadOnlySpan<string>)["shortNames", "categories"])
        {
            var items = names.GetList(list) ?? [];
            for (var i = 0; i < items.Count; i++)
                Label(string.Create(CultureInfo.InvariantCulture, $"spec.names.{list}[{i}]"), items[i] as string, errors);
        }
    }

    private static void Label(string path, string? value, FieldErrors errors)
    {
        if (string.IsNullOrEmpty(value))
            errors.Required(path);
        else if (!DnsLabel().IsMatch(value))
            errors.Invalid(path, value, LabelRule);
    }

    private static void Kind(string path, string value, FieldErrors errors)
    {
        if (value.Length == 0)
            errors.Required(path);
        else if (!DnsLabel().IsMatch(value.ToLowerInvariant()))
            errors.Invalid(path, value, "may have mixed case, but should otherwise match: " + LabelRule);
    }

    private static void ValidateVersions(JsonList versions, JsonList? old, FieldErrors errors)
    {
        var storage = 0;
        var unique = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < versions.Count; i++)
        {
            if (versions[i] is not JsonMap version)
                continue;
            var path = string.Create(CultureInfo.InvariantCulture, $"spec.versions[{i}]");
            var name = version.GetString("name") ?? "";
            storage += version.GetBool("storage") == true ? 1 : 0;
            if (!DnsLabel().IsMatch(name))
                errors.Invalid(path + ".name", name, LabelRule);
            if (!unique.Add(name))
                errors.Invalid("spec.versions", name, "must contain unique version names");
            if (version.GetBool("deprecated") != true && version.GetString("deprecationWarning") is not null)
                errors.Invalid(path + ".deprecationWarning", version.GetString("deprecationWarning"), "can only be set for deprecated versions");
            if (version.GetMap("schema")?.GetMap("openAPIV3Schema") is { } schema)
                ValidateSchema(schema, FindVersion(old, name)?.GetPath("schema", "openAPIV3Schema"), path + ".schema.openAPIV3Schema", errors);
            else
                errors.Required(path + ".schema.openAPIV3Schema", "schemas are required");
            ValidateScale(version.GetMap("subresources")?.GetMap("scale"), path + ".subresources.scale", errors);
            ValidateColumns(version.GetList("additionalPrinterColumns") ?? [], path, errors);
            ValidateSelectableFields(version.GetList("selectableFields") ?? [], version.GetPath("schema", "openAPIV3Schema") as JsonMap ?? [], path + ".selectableFields", errors);
        }
        if (storage != 1)
            errors.Invalid("spec.versions", versions, "must have exactly one version marked as storage version");
    }

    private static JsonMap? FindVersion(JsonList? versions, string name) => (versions ?? []).OfType<JsonMap>().FirstOrDefault(v => v.GetString("name") == name);

    /// <param name="old">The schema before; what did not change is not held to limits that came later.</param>
    private static void ValidateSchema(JsonMap schema, object? old, string path, FieldErrors errors)
    {
        var before = errors.Errors.Count;
        StructuralRules.Check(schema, path, errors);
        // Rules are compiled against types, which only a structural schema has.
        if (errors.Errors.Count > before)
            return;
        var costs = old is not null && JsonTree.DeepEquals(schema, old) ? null : new CelRuleCosts();
        CelRules.Compile(schema, path, errors, costs);
        costs?.CheckTotal(path, errors);
    }

    private static void ValidateSelectableFields(JsonList fields, JsonMap schema, string path, FieldErrors errors)
    {
        if (fields.Count > SelectableFieldsMax)
            errors.TooMany(path, fields.Count, SelectableFieldsMax);
        var unique = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < fields.Count; i++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            var text = (fields[i] as JsonMap)?.GetString("jsonPath") ?? "";
            if (text.Length == 0)
            {
                errors.Required(at + ".jsonPath");
                continue;
            }
            if (text.Contains('[', StringComparison.Ordinal) || SchemaPath.Find(schema, text) is not { } found)
            {
                errors.Invalid(at + ".jsonPath", text, "is an invalid path: does not refer to a valid field");
                continue;
            }
            if (text == ".metadata" || text.StartsWith(".metadata.", StringComparison.Ordinal))
                errors.Invalid(at, text, "must not point to fields in metadata");
            if (found.GetString("type") is not ("string" or "boolean" or "integer"))
                errors.Invalid(at, text, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
            if (!unique.Add(text))
                errors.Duplicate(at, text);
        }
    }

    private static void ValidateScale(JsonMap? scale, string path, FieldErrors errors)
    {
        if (scale is null)
            return;
        foreach (var (field, root, required) in (ReadOnlySpan<(string, string, bool)>)[("specReplicasPath", ".spec", true), ("statusReplicasPath", ".status", true), ("labelSelectorPath", "", false)])
        {
            var value = scale.GetString(field) ?? "";
            if (value.Length == 0 && required)
                errors.Required($"{path}.{field}");
            else if (value.Length > 0 && value[0] != '.')
                errors.Invalid($"{path}.{field}", value, NoSimplePath);
            else if (value.Length > 0 && root.Length > 0 && !value.StartsWith(root + ".", StringComparison.Ordinal))
                errors.Invalid($"{path}.{field}", value, $"should be a json path under {root}");
            else if (value.Length > 0 && root.Length == 0 && !value.StartsWith(".spec.", StringComparison.Ordinal) && !value.StartsWith(".status.", StringComparison.Ordinal))
                errors.Invalid($"{path}.{field}", value, "should be a json path under either .spec or .status");
        }
    }

    private const string NoSimplePath = "must be a simple json path starting with .";

    private static readonly string[] ColumnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

    private static void ValidateColumns(JsonList columns, string versionPath, FieldErrors errors)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i] is not JsonMap column)
                continue;
            var path = string.Create(CultureInfo.InvariantCulture, $"{versionPath}.additionalPrinterColumns[{i}]");
            if (column.GetString("name") is not { Length: > 0 })
                errors.Required(path + ".name");
            if (column.GetString("type") is not { Length: > 0 } type)
                errors.Required(path + ".type", "must be one of boolean,date,integer,number,string");
            else if (type is not ("boolean" or "date" or "integer" or "number" or "string"))
                errors.Invalid(path + ".type", type, "must be one of boolean,date,integer,number,string");
            if (column.GetString("format") is { Length: > 0 } format && !ColumnFormats.Contains(format))
                errors.Invalid(path + ".format", format, "must be one of " + string.Join(',', ColumnFormats));
            if (column.GetString("jsonPath") is not { Length: > 0 } jsonPath)
                errors.Required(path + ".jsonPath");
            else if (jsonPath[0] != '.')
                errors.Invalid(path + ".jsonPath", jsonPath, NoSimplePath);
        }
    }

    private static void ValidateConversion(JsonMap? conversion, FieldErrors errors)
    {
        switch (conversion?.GetString("strategy"))
        {
            case null or "None":
                if (conversion?.GetMap("webhook") is not null)
                    errors.Forbidden("spec.conversion.webhookClientConfig", "should not be set when strategy is not set to Webhook");
                break;
            case "Webhook":
                ValidateConversionClient(conversion.GetMap("webhook")?.GetMap("clientConfig"), "spec.conversion.webhookClientConfig", errors);
                ValidateReviewVersions(conversion.GetMap("webhook")?.GetList("conversionReviewVersions") ?? [], "spec.conversion.conversionReviewVersions", errors);
                break;
            case var other:
                if (string.IsNullOrEmpty(other))
                    errors.Required("spec.conversion.strategy");
                else
                    errors.NotSupported("spec.conversion.strategy", other, ["None", "Webhook"]);
                break;
        }
    }

    private static void ValidateConversionClient(JsonMap? client, string path, FieldErrors errors)
    {
        if (client is null)
        {
            errors.Required(path, "required when strategy is set to Webhook");
            return;
        }
        var (url, service) = (client.GetString("url"), client.GetMap("service"));
        if (url is null == service is null)
            errors.Required(path, "exactly one of url or service is required");
        else if (url is not null && (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "https"))
            errors.Invalid(path + ".url", url, "'https' is the only allowed URL scheme; desired format: https://host[/path]");
        if (service is not null && service.GetString("name") is not { Length: > 0 })
            errors.Required(path + ".service.name", "service name is required");
        if (service is not null && service.GetString("namespace") is not { Length: > 0 })
            errors.Required(path + ".service.namespace", "service namespace is required");
        if (service?.GetInteger("port") is < 1 or > 65535)
            errors.Invalid(path + ".service.port", service!.GetInteger("port"), "port is not valid: must be between 1 and 65535, inclusive");
    }

    private static void ValidateReviewVersions(JsonList versions, string path, FieldErrors errors)
    {
        if (versions.Count == 0)
            errors.Required(path);
        for (var i = 0; i < versions.Count; i++)
        {
            if (versions.Take(i).Contains(versions[i]))
                errors.Invalid(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), versions[i], "duplicate version");
        }
        if (versions.Count > 0 && !versions.Exists(v => v is "v1" or "v1beta1"))
            errors.Invalid(path, versions, "must include at least one of v1, v1beta1");
    }

    /// <summary>Groups of the community want to be approved by it (KEP-1111).</summary>
    private static void ValidateApproval(JsonMap definition, string group, FieldErrors errors)
    {
        if (!IsProtected(group))
            return;
        const string Path = "metadata.annotations[" + Approved + "]";
        const string See = ", see https://github.com/kubernetes/enhancements/pull/1111";
        if (definition.GetPath("metadata", "annotations", Approved) is not string { Length: > 0 } value)
            errors.Required(Path, $"protected groups must have approval annotation \"{Approved}\"{See}");
        else if (!value.StartsWith("unapproved", StringComparison.Ordinal) && !(Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Host.Length > 0))
            errors.Invalid(Path, value, $"protected groups must have approval annotation \"{Approved}\" with either a URL or a reason starting with \"unapproved\"{See}");
    }

    /// <summary>The annotation that says who approved a group below k8s.io or kubernetes.io.</summary>
    public const string Approved = "api-approved.kubernetes.io";

    public static bool IsProtected(string group) =>
        group is "k8s.io" or "kubernetes.io" || group.EndsWith(".k8s.io", StringComparison.Ordinal) || group.EndsWith(".kubernetes.io", StringComparison.Ordinal);

    private const string LabelRule =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    private const string SubdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    [GeneratedRegex(@"^[a-z]([-a-z0-9]*[a-z0-9])?\z", RegexOptions.NonBacktracking)]
    private static partial Regex DnsLabel();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Subdomain();
}

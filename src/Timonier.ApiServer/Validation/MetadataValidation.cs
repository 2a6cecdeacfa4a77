using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Validation;

/// <summary>Says what is wrong with a name; with <c>prefix</c> it is a generateName, to which something will be appended.</summary>
internal delegate IReadOnlyList<string> NameRule(string name, bool prefix);

/// <summary>The rules for metadata of every kind, in upstream's order (ValidateObjectMetaAccessor and its Update).</summary>
internal static class MetadataValidation
{
    private const int AnnotationsBytesMax = 256 * 1024;

    public static readonly NameRule Subdomain = (name, prefix) => Names.Subdomain(Mask(name, prefix));
    public static readonly NameRule Label = (name, prefix) => Names.Label(Mask(name, prefix));
    public static readonly NameRule Rfc1035Label = (name, prefix) => Names.Rfc1035Label(Mask(name, prefix));
    public static readonly NameRule PathSegment = (name, _) => Names.PathSegment(name);
    public static readonly NameRule Anything = (_, _) => [];

    /// <param name="path">"metadata", or the path of a template's metadata.</param>
    public static void Validate(JsonMap metadata, bool namespaced, NameRule rule, FieldErrors errors, string path = "metadata")
    {
        var generateName = metadata.GetString("generateName") ?? "";
        if (generateName.Length > 0)
        {
            foreach (var fault in rule(generateName, true))
                errors.Invalid($"{path}.generateName", generateName, fault);
        }
        var name = metadata.GetString("name") ?? "";
        if (name.Length == 0)
            errors.Required($"{path}.name", "name or generateName is required");
        else
            foreach (var fault in rule(name, false))
                errors.Invalid($"{path}.name", name, fault);
        ValidateNamespace(metadata.GetString("namespace") ?? "", namespaced, errors, path);
        ValidateCommon(metadata, errors, path);
    }

    public static void ValidateUpdate(JsonMap metadata, JsonMap old, FieldErrors errors, string path = "metadata")
    {
        if (metadata.GetInteger("generation") is { } generation && generation < (old.GetInteger("generation") ?? 0))
            errors.Invalid($"{path}.generation", generation, "must not be decremented");
        if (old.ContainsKey("deletionTimestamp") && metadata.GetList("finalizers") is { } finalizers)
        {
            var had = old.GetList("finalizers") ?? [];
            var added = finalizers.OfType<string>().Where(f => !had.Contains(f)).Order(StringComparer.Ordinal).ToList();
            if (added.Count > 0)
                errors.Forbidden($"{path}.finalizers", $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(f => $"\"{f}\""))}}}");
        }
        foreach (var key in (ReadOnlySpan<string>)["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"])
        {
            if (!JsonTree.DeepEquals(metadata[key], old[key]))
                errors.Invalid($"{path}.{key}", metadata[key], "field is immutable");
        }
        ValidateCommon(metadata, errors, path);
    }

    private static void ValidateNamespace(string value, bool namespaced, FieldErrors errors, string path)
    {
        if (!namespaced)
        {
            if (value.Length > 0)
                errors.Forbidden($"{path}.namespace", "not allowed on this type");
            return;
        }
        if (value.Length == 0)
            errors.Required($"{path}.namespace");
        else
            foreach (var fault in Names.Label(value))
                errors.Invalid($"{path}.namespace", value, fault);
    }

    private static void ValidateCommon(JsonMap metadata, FieldErrors errors, string path)
    {
        Labels(metadata.GetMap("labels"), errors, $"{path}.labels");
        Annotations(metadata.GetMap("annotations"), errors, $"{path}.annotations");
        OwnerReferences(metadata.GetList("ownerReferences"), errors, $"{path}.ownerReferences");
        Finalizers(metadata.GetList("finalizers"), errors, $"{path}.finalizers");
    }

    public static void Labels(JsonMap? labels, FieldErrors errors, string path)
    {
        if (labels is null)
            return;
        foreach (var (key, value) in labels)
        {
            foreach (var fault in Names.Qualified(key))
                errors.Invalid(path, key, fault);
            if (value is string text)
            {
                foreach (var fault in Names.LabelValue(text))
                    errors.Invalid(path, text, fault);
            }
        }
    }

    public static void Labels(IReadOnlyDictionary<string, string> labels, FieldErrors errors, string path)
    {
        foreach (var (key, value) in labels)
        {
            foreach (var fault in Names.Qualified(key))
                errors.Invalid(path, key, fault);
            foreach (var fault in Names.LabelValue(value))
                errors.Invalid(path, value, fault);
        }
    }

    public static void Annotations(JsonMap? annotations, FieldErrors errors, string path)
    {
        if (annotations is null)
            return;
        var bytes = 0L;
        foreach (var (key, value) in annotations)
        {
            foreach (var fault in Names.Qualified(key.ToLowerInvariant()))
                errors.Invalid(path, key, fault);
            bytes += Encoding.UTF8.GetByteCount(key) + (value is string text ? Encoding.UTF8.GetByteCount(text) : 0);
        }
        if (bytes > AnnotationsBytesMax)
            errors.TooLong(path, AnnotationsBytesMax);
    }

    private static void OwnerReferences(JsonList? owners, FieldErrors errors, string path)
    {
        if (owners is null)
            return;
        string? controller = null;
        foreach (var owner in owners.OfType<JsonMap>())
        {
            var apiVersion = owner.GetString("apiVersion") ?? "";
            if (apiVersion.Length == 0)
                errors.Invalid($"{path}.apiVersion", apiVersion, "version must not be empty");
            foreach (var key in (ReadOnlySpan<string>)["kind", "name", "uid"])
            {
                if (owner.GetString(key) is null or "")
                    errors.Invalid($"{path}.{key}", "", "must not be empty");
            }
            if (owner.GetString("kind") == "Event" && apiVersion == "v1")
                errors.Invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
            if (owner.GetBool("controller") != true)
                continue;
            if (controller is not null)
                errors.Invalid(path, owners, $"Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {owner.GetString("name")}");
            controller = owner.GetString("name");
        }
    }

    private static void Finalizers(JsonList? finalizers, FieldErrors errors, string path)
    {
        if (finalizers is null)
            return;
        foreach (var finalizer in finalizers.OfType<string>())
        {
            foreach (var fault in Names.Qualified(finalizer))
                errors.Invalid(path, finalizer, fault);
        }
        if (finalizers.Contains("orphan") && finalizers.Contains("foregroundDeletion"))
            errors.Invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
    }

    // What follows a generateName may repair a trailing dash.
    private static string Mask(string name, bool prefix) => prefix && name.Length > 1 && name[^1] == '-' ? name[..^2] + "a" : name;
}

using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>
/// Is a schema structural? Every value's type is known without looking at the value, and junctors (allOf, anyOf, oneOf, not) only
/// restrict. Messages are upstream's (apiextensions-apiserver schema validation).
/// </summary>
internal static class StructuralRules
{
    private const int DepthMax = 100;

    private enum Level { Root, Field, Item }

    public static void Check(JsonMap schema, string path, FieldErrors errors) => Check(schema, path, Level.Root, errors, 0);

    private static void Check(JsonMap schema, string path, Level level, FieldErrors errors, int depth)
    {
        if (depth > DepthMax)
        {
            errors.Forbidden(path, "schema nests too deep");
            return;
        }
        CheckForbidden(schema, path, errors);
        CheckType(schema, path, level, errors);
        CheckExtensions(schema, path, errors);
        CheckPattern(schema, path, errors);
        foreach (var (name, property) in schema.GetMap("properties") ?? [])
        {
            if (property is JsonMap map)
                Check(map, $"{path}.properties[{name}]", Level.Field, errors, depth + 1);
        }
        if (schema.GetMap("additionalProperties") is { } values)
        {
            if (schema.GetMap("properties") is { Count: > 0 })
                errors.Forbidden(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive");
            Check(values, path + ".additionalProperties", Level.Field, errors, depth + 1);
        }
        if (schema["items"] is JsonMap items)
            Check(items, path + ".items", Level.Item, errors, depth + 1);
        else if (schema["items"] is JsonList)
            errors.Forbidden(path + ".items", "items must be a schema object and not an array");
        else if (schema.GetString("type") == "array")
            errors.Required(path + ".items", "must be specified");
        foreach (var (junctor, nested) in Junctors(schema, path))
            CheckRestriction(nested, junctor, schema.GetBool("x-kubernetes-int-or-string") == true, errors, depth + 1);
        CheckDefault(schema, path, errors);
    }

    private static IEnumerable<(string Path, JsonMap Schema)> Junctors(JsonMap schema, string path)
    {
        foreach (var key in (string[])["allOf", "anyOf", "oneOf"])
        {
            var list = schema.GetList(key) ?? [];
            for (var i = 0; i < list.Count; i++)
            {
                if (list[i] is JsonMap map)
                    yield return (string.Create(CultureInfo.InvariantCulture, $"{path}.{key}[{i}]"), map);
            }
        }
        if (schema.GetMap("not") is { } not)
            yield return (path + ".not", not);
    }

    private static void CheckType(JsonMap schema, string path, Level level, FieldErrors errors)
    {
        var type = schema.GetString("type") ?? "";
        var intOrString = schema.GetBool("x-kubernetes-int-or-string") == true;
        var preserves = schema.GetBool("x-kubernetes-preserve-unknown-fields") == true;
        var embedded = schema.GetBool("x-kubernetes-embedded-resource") == true;
        if (type == "null")
            errors.Forbidden(path + ".type", "type cannot be set to null, use nullable as an alternative");
        else if (type.Length > 0 && type is not ("array" or "boolean" or "integer" or "number" or "object" or "string"))
            errors.NotSupported(path + ".type", type, ["array", "boolean", "integer", "number", "object", "string"]);
        if (level == Level.Root && type != "object")
        {
            if (type.Length == 0)
                errors.Required(path + ".type", "must not be empty at the root");
            else
                errors.Invalid(path + ".type", type, "must be object at the root");
        }
        else if (type.Length == 0 && !intOrString && !preserves)
        {
            errors.Required(path + ".type", $"must not be empty for specified {(level == Level.Item ? "array items" : "object fields")}");
        }
        if (intOrString && type.Length > 0)
            errors.Invalid(path + ".type", type, "must be empty if x-kubernetes-int-or-string is true");
        if (preserves && type is not ("object" or ""))
            errors.Invalid(path + ".type", type, "must be object if x-kubernetes-preserve-unknown-fields is true");
        if (embedded && type != "object")
        {
            if (type.Length == 0)
                errors.Required(path + ".type", "must be object if x-kubernetes-embedded-resource is true");
            else
                errors.Invalid(path + ".type", type, "must be object if x-kubernetes-embedded-resource is true");
        }
        if (embedded && !preserves && schema.GetMap("properties") is not { Count: > 0 })
            errors.Required(path + ".properties", "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
    }

    private static void CheckForbidden(JsonMap schema, string path, FieldErrors errors)
    {
        foreach (var key in (ReadOnlySpan<string>)["$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id"])
        {
            if (schema[key] is not (null or "" or JsonMap { Count: 0 }))
                errors.Forbidden($"{path}.{key}", $"{key} is not supported");
        }
        if (schema.GetBool("uniqueItems") == true)
            errors.Forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (schema["additionalProperties"] is false)
            errors.Forbidden(path + ".additionalProperties", "additionalProperties cannot be set to false");
        if (schema["x-kubernetes-preserve-unknown-fields"] is false)
            errors.Invalid(path + ".x-kubernetes-preserve-unknown-fields", false, "must be true or undefined");
    }

    private static void CheckExtensions(JsonMap schema, string path, FieldErrors errors)
    {
        var type = schema.GetString("type") ?? "";
        var keys = schema.GetList("x-kubernetes-list-map-keys");
        switch (schema.GetString("x-kubernetes-list-type"))
        {
            case null:
                if (keys is { Count: > 0 })
                    errors.Required(path + ".x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty");
                break;
            case "atomic" or "set" or "map" when type != "array":
                errors.Invalid(path + ".type", type, $"must be array if x-kubernetes-list-type is {schema.GetString("x-kubernetes-list-type")}");
                break;
            case "map":
                if (keys is not { Count: > 0 })
                    errors.Required(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
                CheckMapKeys(schema.GetMap("items") ?? [], keys ?? [], path, errors);
                break;
            case "atomic" or "set":
                break;
            case var other:
                errors.NotSupported(path + ".x-kubernetes-list-type", other, ["atomic", "set", "map"]);
                break;
        }
        if (schema.GetString("x-kubernetes-map-type") is { } mapType)
        {
            if (mapType is not ("atomic" or "granular"))
                errors.NotSupported(path + ".x-kubernetes-map-type", mapType, ["atomic", "granular"]);
            else if (type != "object")
                errors.Invalid(path + ".type", type, "must be object if x-kubernetes-map-type is specified");
        }
    }

    private static void CheckMapKeys(JsonMap items, JsonList keys, string path, FieldErrors errors)
    {
        if (items.GetString("type") is not "object")
            errors.Invalid(path + ".items.type", items.GetString("type") ?? "", "must be object if parent array's x-kubernetes-list-type is map");
        var required = items.GetList("required") ?? [];
        for (var i = 0; i < keys.Count; i++)
        {
            var key = keys[i] as string ?? "";
            if (items.GetMap("properties")?.GetMap(key) is not { } property)
                errors.Invalid(string.Create(CultureInfo.InvariantCulture, $"{path}.x-kubernetes-list-map-keys[{i}]"), key, "must be the name of an item schema property");
            else if (!required.Contains(key) && !property.ContainsKey("default"))
                errors.Required($"{path}.items.properties[{key}].default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
        }
    }

    private static void CheckPattern(JsonMap schema, string path, FieldErrors errors)
    {
        if (schema.GetString("pattern") is not { Length: > 0 } pattern)
            return;
        try
        {
            GoRegex.Compile(pattern);
        }
        catch (FormatException e)
        {
            errors.Invalid(path + ".pattern", pattern, $"must be a valid regular expression, but isn't: {e.Message}");
        }
    }

    /// <summary>Inside a junctor only limits may stand.</summary>
    private static void CheckRestriction(JsonMap schema, string path, bool isIntOrString, FieldErrors errors, int depth)
    {
        if (depth > DepthMax)
            return;
        CheckForbidden(schema, path, errors);
        CheckPattern(schema, path, errors);
        foreach (var key in (ReadOnlySpan<string>)["type", "title", "description", "default", "nullable", "additionalProperties",
            "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-map-type"])
        {
            // "anyOf: [{type: integer}, {type: string}]" is how int-or-string was always written.
            if (schema[key] is not (null or "" or false) && !(key == "type" && isIntOrString))
                errors.Forbidden($"{path}.{key}", "must be empty to be structural");
        }
        foreach (var (name, property) in schema.GetMap("properties") ?? [])
        {
            if (property is JsonMap map)
                CheckRestriction(map, $"{path}.properties[{name}]", false, errors, depth + 1);
        }
        if (schema.GetMap("items") is { } items)
            CheckRestriction(items, path + ".items", false, errors, depth + 1);
        foreach (var (junctor, nested) in Junctors(schema, path))
            CheckRestriction(nested, junctor, isIntOrString, errors, depth + 1);
    }

    private static void CheckDefault(JsonMap schema, string path, FieldErrors errors)
    {
        if (!schema.TryGetValue("default", out var value))
            return;
        try
        {
            SchemaValidator.Compile(schema).Validate(value, null, path + ".default", errors);
        }
        catch (FormatException)
        {
            // The pattern's own fault is told already.
        }
    }
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>
/// Validates values against an OpenAPI v3 schema, with upstream's messages (kube-openapi validate, as apiextensions turns them into
/// field errors). Compiled once per schema; immutable.
/// </summary>
public sealed class SchemaValidator
{
    private string[] _types = [];
    private bool _nullable;
    private bool _embedded;
    private readonly Dictionary<string, SchemaValidator> _properties = new(StringComparer.Ordinal);
    private string[] _required = [];
    private SchemaValidator? _values;
    private SchemaValidator? _items;
    private readonly List<IValueRule> _rules = [];
    private List<SchemaValidator> _allOf = [];
    private List<SchemaValidator> _anyOf = [];
    private List<SchemaValidator> _oneOf = [];
    private SchemaValidator? _not;
    private string? _listType;
    private string[] _listMapKeys = [];

    private SchemaValidator() { }

    /// <exception cref="FormatException">A pattern is no regular expression.</exception>
    public static SchemaValidator Compile(JsonMap schema)
    {
        var validator = new SchemaValidator
        {
            _nullable = schema.GetBool("nullable") == true,
            _embedded = schema.GetBool("x-kubernetes-embedded-resource") == true,
            _required = [.. (schema.GetList("required") ?? []).OfType<string>()],
            _values = schema.GetMap("additionalProperties") is { } values ? Compile(values) : null,
            _items = schema.GetMap("items") is { } items ? Compile(items) : null,
            _allOf = CompileAll(schema.GetList("allOf")),
            _anyOf = CompileAll(schema.GetList("anyOf")),
            _oneOf = CompileAll(schema.GetList("oneOf")),
            _not = schema.GetMap("not") is { } not ? Compile(not) : null,
            _listType = schema.GetString("x-kubernetes-list-type"),
            _listMapKeys = [.. (schema.GetList("x-kubernetes-list-map-keys") ?? []).OfType<string>()],
        };
        if (schema.GetBool("x-kubernetes-int-or-string") == true)
            validator._types = ["integer", "string"];
        else if (schema.GetString("type") is { Length: > 0 } type)
            validator._types = [type];
        foreach (var (name, property) in schema.GetMap("properties") ?? [])
        {
            if (property is JsonMap map)
                validator._properties[name] = Compile(map);
        }
        ValueRules.Compile(schema, validator._rules);
        return validator;
    }

    private static List<SchemaValidator> CompileAll(JsonList? schemas) => [.. (schemas ?? []).OfType<JsonMap>().Select(Compile)];

    /// <param name="old">
    /// The value before an update: what did not change is not held against the object (ratcheting). Null: all is checked.
    /// </param>
    /// <param name="path">Of the value; empty for a root object.</param>
    public void Validate(object? value, object? old, string path, FieldErrors errors)
    {
        if (old is not null && JsonTree.DeepEquals(value, old))
            return;
        if (value is null && _nullable)
            return;
        // kind, apiVersion and metadata are validated by the pipeline, wherever a schema names them.
        if (_types.Length > 0 && !Array.Exists(_types, t => IsOfType(value, t)))
        {
            AddType(errors, path, string.Join(',', _types), TypeName(value));
            return;
        }
        foreach (var rule in _rules)
            rule.Check(value, path, errors);
        switch (value)
        {
            case JsonMap map: ValidateMap(map, old as JsonMap, path, errors); break;
            case JsonList list: ValidateList(list, old as JsonList, path, errors); break;
        }
        ValidateCombined(value, path, errors);
    }

    private static bool IsOfType(object? value, string type) => type switch
    {
        "object" => value is JsonMap,
        "array" => value is JsonList,
        "string" => value is string,
        "boolean" => value is bool,
        "integer" => value is long || (value is double number && double.IsInteger(number)),
        "number" => value is long or double,
        _ => true,
    };

    private static string TypeName(object? value) => value switch
    {
        null => "null",
        JsonMap => "object",
        JsonList => "array",
        string => "string",
        bool => "boolean",
        long => "integer",
        _ => "number",
    };

    internal static void AddType(FieldErrors errors, string path, string type, string actual) =>
        errors.TypeInvalid(Place(path), actual, $"{path} in body must be of type {type}: \"{actual}\"");

    /// <summary>Upstream writes the root as "&lt;nil&gt;".</summary>
    internal static string Place(string path) => path.Length == 0 ? "<nil>" : path;

    private void ValidateMap(JsonMap map, JsonMap? old, string path, FieldErrors errors)
    {
        foreach (var name in _required)
        {
            if (!map.ContainsKey(name))
                errors.Required(Child(path, name));
        }
        foreach (var (name, value) in map)
        {
            if (_embedded && name is "metadata" or "kind" or "apiVersion")
                continue;
            var validator = _properties.GetValueOrDefault(name) ?? _values;
            validator?.Validate(value, old?[name], Child(path, name), errors);
        }
        if (_embedded)
        {
            foreach (var name in (ReadOnlySpan<string>)["apiVersion", "kind"])
            {
                if (map.GetString(name) is not { Length: > 0 })
                    errors.Required(Child(path, name), "must not be empty");
            }
        }
    }

    private void ValidateList(JsonList list, JsonList? old, string path, FieldErrors errors)
    {
        var oldByKey = old is not null && _listType == "map" ? old.GroupBy(KeyOf).Where(g => g.Count() == 1).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal) : null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var itemPath = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            _items?.Validate(list[i], oldByKey?.GetValueOrDefault(KeyOf(list[i])), itemPath, errors);
            if (_listType is "map" or "set" && !seen.Add(KeyOf(list[i])))
                errors.Duplicate(itemPath, _listType == "set" || list[i] is not JsonMap item ? list[i] : Keys(item));
        }
    }

    private string KeyOf(object? item) =>
        Encoding.UTF8.GetString(JsonEncoder.Encode(_listType == "map" && item is JsonMap map ? Keys(map) : item));

    private JsonMap Keys(JsonMap item)
    {
        var keys = new JsonMap(_listMapKeys.Length);
        foreach (var key in _listMapKeys)
        {
            var value = item[key] ?? (_items?._properties.ContainsKey(key) == true ? null : "");
            keys[key] = value;
        }
        return keys;
    }

    private void ValidateCombined(object? value, string path, FieldErrors errors)
    {
        if (_anyOf.Count > 0 && CountValid(_anyOf, value, path, out var best) == 0)
        {
            errors.Invalid(Place(path), "", $"\"{path}\" must validate at least one schema (anyOf)");
            AddAll(errors, best);
        }
        if (_oneOf.Count > 0 && CountValid(_oneOf, value, path, out best) is not 1 and var valid)
        {
            errors.Invalid(Place(path), "", $"\"{path}\" must validate one and only one schema (oneOf). {(valid == 0 ? "Found none valid" : $"Found {valid} valid alternatives")}");
            if (valid == 0)
                AddAll(errors, best);
        }
        if (_allOf.Count > 0)
        {
            var failed = 0;
            foreach (var validator in _allOf)
            {
                var own = new FieldErrors();
                validator.Validate(value, null, path, own);
                AddAll(errors, own);
                failed += own.Any ? 1 : 0;
            }
            if (failed > 0)
                errors.Invalid(Place(path), "", $"\"{path}\" must validate all the schemas (allOf){(failed == _allOf.Count ? ". None validated" : "")}");
        }
        if (_not is not null)
        {
            var own = new FieldErrors();
            _not.Validate(value, null, path, own);
            if (!own.Any)
                errors.Invalid(Place(path), "", $"\"{path}\" must not validate the schema (not)");
        }
    }

    /// <param name="best">The faults of the alternative that came nearest.</param>
    private static int CountValid(List<SchemaValidator> alternatives, object? value, string path, out FieldErrors best)
    {
        best = new FieldErrors();
        var valid = 0;
        foreach (var alternative in alternatives)
        {
            var own = new FieldErrors();
            alternative.Validate(value, null, path, own);
            if (!own.Any)
                valid++;
            else if (!best.Any || own.Errors.Count < best.Errors.Count)
                best = own;
        }
        return valid;
    }

    private static void AddAll(FieldErrors errors, FieldErrors more)
    {
        foreach (var error in more.Errors)
            errors.Add(error);
    }

    private static string Child(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}

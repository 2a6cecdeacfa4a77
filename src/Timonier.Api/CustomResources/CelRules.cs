using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.CustomResources;

/// <summary>
/// The x-kubernetes-validations of a schema, compiled, in a tree as the schema's. Rules that name oldSelf hold for updates only; what did not
/// change is not held against the object by other rules. Immutable; thread-safe.
/// </summary>
public sealed class CelRules
{
    private readonly List<CelRule> _rules = [];
    private readonly Dictionary<string, CelRules> _properties = new(StringComparer.Ordinal);
    private CelRules? _items;
    private CelRules? _values;
    private string _typeName = "object";
    private string[] _listMapKeys = [];

    private CelRules() { }

    private bool IsEmpty => _rules.Count == 0 && _properties.Count == 0 && _items is null && _values is null;

    /// <summary>The rules of a root object's schema; null when there are none.</summary>
    /// <param name="path">Where the schema stands in its definition, for messages.</param>
    /// <param name="errors">Gets what is wrong with the rules themselves; those are left out.</param>
    public static CelRules? Compile(JsonMap schema, TypeSchema type, string path, FieldErrors errors)
    {
        var rules = Compile(schema, CelType.Of(type, isRoot: true), new FieldType(type), path, correlatable: true, errors);
        return rules.IsEmpty ? null : rules;
    }

    private static CelRules Compile(JsonMap schema, CelType self, FieldType type, string path, bool correlatable, FieldErrors errors)
    {
        var node = new CelRules { _typeName = schema.GetString("type") is { Length: > 0 } name ? name : "" };
        var declared = schema.GetList("x-kubernetes-validations") ?? [];
        for (var i = 0; i < declared.Count; i++)
        {
            if (declared[i] is JsonMap rule && CelRule.Compile(rule, self, $"{path}.x-kubernetes-validations[{i}]", correlatable, errors) is { } compiled)
                node._rules.Add(compiled);
        }
        foreach (var (property, value) in schema.GetMap("properties") ?? [])
        {
            if (value is JsonMap inner && type.Kind == ValueKind.Object && type.Type!.Field(property) is { } field && field.Type.Type is null or { Custom: true })
                Add(node._properties, property, Compile(inner, CelType.Of(field.Type), field.Type, $"{path}.properties[{property}]", correlatable, errors));
        }
        if (schema.GetMap("items") is { } items && type is { Kind: ValueKind.List, Element: { } element })
        {
            // Only items that have keys can be told to be the same before and after.
            var isMap = schema.GetString("x-kubernetes-list-type") == "map";
            node._listMapKeys = isMap ? [.. (schema.GetList("x-kubernetes-list-map-keys") ?? []).OfType<string>()] : [];
            var compiled = Compile(items, CelType.Of(element), element, path + ".items", correlatable && isMap, errors);
            node._items = compiled.IsEmpty ? null : compiled;
        }
        if (schema.GetMap("additionalProperties") is { } values && type is { Kind: ValueKind.Map, Element: { } valueType })
        {
            var compiled = Compile(values, CelType.Of(valueType), valueType, path + ".additionalProperties", correlatable, errors);
            node._values = compiled.IsEmpty ? null : compiled;
        }
        return node;
    }

    private static void Add(Dictionary<string, CelRules> properties, string name, CelRules rules)
    {
        if (!rules.IsEmpty)
            properties[name] = rules;
    }

    /// <summary>Evaluates all rules of an object.</summary>
    /// <param name="value">Pruned, defaulted, and valid by its schema.</param>
    /// <param name="old">The object before an update; null on create.</param>
    public void Validate(object? value, object? old, FieldErrors errors)
    {
        var budget = new CelBudget(CelBudget.PerObject);
        Validate(value, old, "", errors, budget);
    }

    /// <returns>False when the budget is spent: no rule is evaluated any more.</returns>
    private bool Validate(object? value, object? old, string path, FieldErrors errors, CelBudget budget)
    {
        if (value is null)
            return true;
        var unchanged = old is not null && JsonTree.DeepEquals(value, old);
        foreach (var rule in _rules)
        {
            if ((!unchanged || rule.IsTransition) && !rule.Validate(value, old, SchemaValidator.Place(path), _typeName, errors, budget))
                return false;
        }
        switch (value)
        {
            case JsonMap map:
                foreach (var (key, item) in map)
                {
                    if ((_properties.GetValueOrDefault(key) ?? _values) is { } rules && !rules.Validate(item, (old as JsonMap)?[key], path.Length == 0 ? key : _values is null ? $"{path}.{key}" : $"{path}[{key}]", errors, budget))
                        return false;
                }
                break;
            case JsonList list when _items is not null:
                for (var i = 0; i < list.Count; i++)
                {
                    if (!_items.Validate(list[i], Counterpart(list[i], old as JsonList), $"{path}[{i}]", errors, budget))
                        return false;
                }
                break;
        }
        return true;
    }

    private object? Counterpart(object? item, JsonList? old) => _listMapKeys.Length == 0 || old is null || item is not JsonMap map ? null
        : old.Find(o => o is JsonMap other && Array.TrueForAll(_listMapKeys, k => JsonTree.DeepEquals(map[k], other[k])));
}

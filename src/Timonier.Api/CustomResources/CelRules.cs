using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;

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
    /// <param name="costs">Gets what the rules may cost; null: nobody asks.</param>
    public static CelRules? Compile(JsonMap schema, string path, FieldErrors errors, CelRuleCosts? costs = null)
    {
        var rules = Compile(schema, path, new Position(IsRoot: true, Correlatable: true, Times: 1), errors, costs);
        return rules.IsEmpty ? null : rules;
    }

    /// <param name="Correlatable">Can a value here be told to be the same before and after an update?</param>
    /// <param name="Times">How often a value can stand here in one object; null: as often as a request can carry it.</param>
    private readonly record struct Position(bool IsRoot, bool Correlatable, ulong? Times)
    {
        public Position Below(bool correlatable, ulong? times) => new(false, Correlatable && correlatable, Times is { } outer && times is { } inner ? CelRuleCosts.Product(outer, inner) : null);
    }

    private static CelRules Compile(JsonMap schema, string path, Position at, FieldErrors errors, CelRuleCosts? costs)
    {
        var node = new CelRules { _typeName = schema.GetString("type") is { Length: > 0 } name ? name : "" };
        var declared = schema.GetList("x-kubernetes-validations") ?? [];
        var self = declared.Count == 0 ? null : CelSchemas.TypeOf(schema, at.IsRoot || schema.GetBool("x-kubernetes-embedded-resource") == true);
        for (var i = 0; i < declared.Count && self is not null; i++)
        {
            var rulePath = $"{path}.x-kubernetes-validations[{i}]";
            if (declared[i] is not JsonMap rule || CelRule.Compile(rule, self, schema, rulePath, at.Correlatable, errors) is not { } compiled)
                continue;
            node._rules.Add(compiled);
            costs?.Observe(compiled, rulePath, at.Times ?? (ulong)(CelSchemas.RequestBytesMax / (self.BytesMin + 1)), errors);
        }
        foreach (var (property, value) in schema.GetMap("properties") ?? [])
        {
            if (value is JsonMap inner && !(at.IsRoot && property is "metadata"))
                Add(node._properties, property, Compile(inner, $"{path}.properties[{property}]", at.Below(true, 1), errors, costs));
        }
        if (schema.GetMap("items") is { } items)
        {
            // Only items that have keys can be told to be the same before and after.
            var isMap = schema.GetString("x-kubernetes-list-type") == "map";
            node._listMapKeys = isMap ? [.. (schema.GetList("x-kubernetes-list-map-keys") ?? []).OfType<string>()] : [];
            var compiled = Compile(items, path + ".items", at.Below(isMap, (ulong?)schema.GetInteger("maxItems")), errors, costs);
            node._items = compiled.IsEmpty ? null : compiled;
        }
        if (schema.GetMap("additionalProperties") is { } values)
        {
            var compiled = Compile(values, path + ".additionalProperties", at.Below(true, (ulong?)schema.GetInteger("maxProperties")), errors, costs);
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

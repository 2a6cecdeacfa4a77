using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Normalize;

/// <summary>Sets the defaults that the schema declares. What looks at other fields is the strategies' work.</summary>
public static class Defaults
{
    /// <param name="obj">Normalized; changed in place. Fields set here stand last: see <see cref="Normalizer.Order"/>.</param>
    public static void Apply(JsonMap obj, TypeSchema type)
    {
        var plan = StructPlan.Of(type);
        if (!plan.HasDefaults)
            return;
        foreach (var field in plan.Fields)
        {
            if (!field.HasDefault && field.Leaf is null)
                continue;
            var present = obj.TryGetValue(field.Name, out var value);
            if (field.HasDefault && IsUnset(field, present, value, type.Custom))
                obj[field.Name] = value = field.Default;
            if (value is not null && field.Leaf is { CustomJson: false } leaf && StructPlan.Of(leaf).HasDefaults)
                ApplyValue(value, field.Type);
        }
    }

    /// <summary>
    /// In Go's types a zero value without pointer counts as unset; in a custom resource only an absent field does, or a null
    /// where null is no value.
    /// </summary>
    private static bool IsUnset(FieldPlan field, bool present, object? value, bool custom)
    {
        if (custom)
            return !present || (value is null && !field.Schema.Nullable);
        return value is null || (!field.Pointer && FieldPlan.IsZero(value));
    }

    private static void ApplyValue(object? value, FieldType type)
    {
        switch (value)
        {
            case JsonMap map when type.Kind == ValueKind.Object:
                Apply(map, type.Type!);
                break;
            case JsonMap map when type.Kind == ValueKind.Map:
                foreach (var (_, item) in map)
                    ApplyValue(item, type.Element!);
                break;
            case JsonList list when type.Kind == ValueKind.List:
                foreach (var item in list)
                    ApplyValue(item, type.Element!);
                break;
        }
    }
}

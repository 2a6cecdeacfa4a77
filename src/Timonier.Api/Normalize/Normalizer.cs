using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Normalize;

/// <summary>
/// Brings a tree into the form that decoding into upstream's Go types and encoding again gives: unknown fields are
/// dropped, fields stand in declaration order, map keys ascend, zero values are left out where the type says so, structs that are no
/// pointers are always there, nulls are gone, quantities, times and durations are in canonical form. A type of a custom resource is
/// only pruned and ordered. On every write, so it allocates nothing but the result.
/// </summary>
public static class Normalizer
{
    /// <param name="input">Left as it is; its leaves and untyped parts are shared by the result.</param>
    /// <param name="strictErrors">Gets <c>unknown field "spec.foo"</c> for each field that is dropped.</param>
    /// <exception cref="ApiException">BadRequest in upstream's words: a value is of another type than the schema says.</exception>
    public static JsonMap Normalize(JsonMap input, TypeSchema type, List<string>? strictErrors = null)
    {
        var walk = new NormalizeWalk(strictErrors);
        try
        {
            return walk.Struct(input, type);
        }
        catch (FormatException e)
        {
            throw CannotBeHandled(input, type, e.Message);
        }
    }

    /// <summary>As <see cref="Normalize"/>, but a wrong value is a <see cref="FormatException"/> with Go's bare message.</summary>
    internal static JsonMap NormalizePart(JsonMap input, TypeSchema type, List<string>? strictErrors = null) => new NormalizeWalk(strictErrors).Struct(input, type);

    /// <summary>Upstream's refusal of a body with strict errors (fieldValidation=Strict): duplicate and unknown fields.</summary>
    public static ApiException StrictError(JsonMap input, TypeSchema type, IEnumerable<string> strictErrors) =>
        CannotBeHandled(input, type, "strict decoding error: " + string.Join(", ", strictErrors));

    /// <summary>Puts fields that were set since <see cref="Normalize"/> where the declaration has them. Changes <paramref name="obj"/> in place.</summary>
    public static void Order(JsonMap obj, TypeSchema type)
    {
        if (type.CustomJson)
            return;
        var plan = StructPlan.Of(type);
        var last = -1;
        var ordered = true;
        foreach (var (key, value) in obj)
        {
            var at = plan.Find(key, last + 1);
            ordered &= at > last;
            last = at;
            if (at >= 0)
                OrderValue(value, plan.Fields[at].Type);
        }
        if (ordered)
            return;
        if (type.Custom)
            obj.SortKeys();
        else
            obj.SortBy(key => plan.Find(key, 0));
    }

    private static void OrderValue(object? value, FieldType type)
    {
        switch (value)
        {
            case JsonMap map when type.Kind == ValueKind.Object:
                Order(map, type.Type!);
                break;
            case JsonMap map when type.Kind == ValueKind.Map:
                if (!map.IsSorted())
                    map.SortKeys();
                foreach (var (_, item) in map)
                    OrderValue(item, type.Element!);
                break;
            case JsonList list when type.Kind == ValueKind.List:
                foreach (var item in list)
                    OrderValue(item, type.Element!);
                break;
        }
    }

    private static ApiException CannotBeHandled(JsonMap input, TypeSchema type, string why)
    {
        var kind = input.GetString("kind") is { Length: > 0 } written ? written : type.Name;
        var version = input.GetString("apiVersion") is { Length: > 0 } apiVersion ? GroupVersion.Parse(apiVersion).Version : type.Group[(type.Group.LastIndexOf('/') + 1)..];
        return ApiException.BadRequest($"{kind} in version \"{version}\" cannot be handled as a {kind}: {why}");
    }
}

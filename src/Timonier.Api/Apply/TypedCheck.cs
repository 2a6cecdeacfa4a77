using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Apply;

/// <summary>Checks an applied configuration against the schema, in the words of structured-merge-diff.</summary>
internal static class TypedCheck
{
    public static List<string> Faults(JsonMap config, TypeSchema type)
    {
        var faults = new List<string>();
        Check(config, Place.Root(type), "", faults);
        return faults;
    }

    private static void Check(object? value, Place place, string path, List<string> faults)
    {
        if (value is null || place.Type is not { } type)
            return;
        switch (type.Kind, value)
        {
            case (ValueKind.Object, JsonMap map):
                foreach (var (key, item) in map)
                {
                    if (place.IsNamedField(key) || type.Type!.PreserveUnknownFields)
                        Check(item, place.Under(key), $"{path}.{key}", faults);
                    else if (!type.Type!.CustomJson)
                        faults.Add($"{path}.{key}: field not declared in schema");
                }
                break;
            case (ValueKind.Map, JsonMap map):
                foreach (var (key, item) in map)
                    Check(item, place.Under(key), $"{path}.{key}", faults);
                break;
            case (ValueKind.List, JsonList list):
                CheckList(list, place, path, faults);
                break;
            case (ValueKind.Object, _) when !type.Type!.CustomJson:
            case (ValueKind.Map, _):
                faults.Add($"{path}: expected map, got {Show(value)}");
                break;
            case (ValueKind.List, _):
                faults.Add($"{path}: expected list, got {Show(value)}");
                break;
            case (ValueKind.String or ValueKind.Time or ValueKind.MicroTime or ValueKind.Duration or ValueKind.Bytes, not string):
                faults.Add($"{path}: expected string, got {Show(value)}");
                break;
            case (ValueKind.Bool, not bool):
                faults.Add($"{path}: expected boolean, got {Show(value)}");
                break;
            case (ValueKind.Int32 or ValueKind.Int64 or ValueKind.Float64, not (long or double)):
                faults.Add($"{path}: expected numeric (int or float), got {Show(value)}");
                break;
        }
    }

    private static void CheckList(JsonList list, Place place, string path, List<string> faults)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var associative = place.ShapeOf(list) is Shape.ListOfMaps or Shape.SetOfScalars;
        for (var i = 0; i < list.Count; i++)
        {
            var itemPath = $"{path}[{i}]";
            if (associative)
            {
                try
                {
                    var step = place.StepOf(list[i]);
                    itemPath = path + string.Concat(SinglePath(step));
                    if (!seen.Add(step))
                        faults.Add($"{path}: duplicate entries for key {string.Concat(SinglePath(step))}");
                }
                catch (FormatException e)
                {
                    faults.Add($"{path}: element {i}: {e.Message}");
                    continue;
                }
            }
            Check(list[i], place.Item, itemPath, faults);
        }
    }

    private static IEnumerable<string> SinglePath(string step)
    {
        var builder = new FieldSet.Builder();
        builder.Add(step, FieldSet.Leaf);
        return builder.Build(false).Paths();
    }

    private static string Show(object value) => value switch
    {
        string text => text,
        JsonMap or JsonList => "&" + System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(value)),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!,
    };
}

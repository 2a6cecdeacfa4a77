using System.Globalization;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.Api.Normalize;

/// <summary>One run of the normalizer over one tree; knows where it stands, for messages.</summary>
internal sealed class NormalizeWalk(List<string>? strictErrors)
{
    /// <summary>The way down to the current value: a field or key, or (null) an index into a list.</summary>
    private readonly List<(string? Key, int Index)> _path = [];
    private string _structName = "";

    public JsonMap Struct(JsonMap input, TypeSchema type)
    {
        if (type.Custom)
            return CustomStruct(input, type);
        var outerName = _structName;
        _structName = type.Name;
        var plan = StructPlan.Of(type);
        var fields = plan.Fields;
        var output = new JsonMap(Math.Min(input.Count + 2, fields.Length));
        // While keys come in our order they are written at once; from the first that does not, all wait in slots.
        var next = 0;
        object?[]? slots = null;
        foreach (var (key, value) in input)
        {
            var at = plan.Find(key, next);
            if (at < 0)
            {
                Unknown(key);
            }
            else if (slots is null && at >= next)
            {
                for (; next < at; next++)
                    AppendAbsent(output, fields[next]);
                next++;
                Append(output, fields[at], value);
            }
            else
            {
                slots ??= new object?[fields.Length];
                slots[at] = value;
            }
        }
        if (slots is not null)
            output = Weave(output, next, slots, fields);
        else
            for (; next < fields.Length; next++)
                AppendAbsent(output, fields[next]);
        _structName = outerName;
        return output;
    }

    /// <summary>The fields before <paramref name="next"/> are in <paramref name="written"/>, but for those in the slots.</summary>
    private JsonMap Weave(JsonMap written, int next, object?[] slots, FieldPlan[] fields)
    {
        var output = new JsonMap(written.Count + slots.Length / 2);
        var from = 0;
        for (var i = 0; i < fields.Length; i++)
        {
            var standsWritten = i < next && from < written.Count && written.At(from).Key == fields[i].Name;
            if (slots[i] is { } value)
                Append(output, fields[i], value);
            else if (standsWritten)
                output.Append(fields[i].Name, written.At(from).Value);
            else
                AppendAbsent(output, fields[i]);
            if (standsWritten)
                from++;
        }
        return output;
    }

    private void AppendAbsent(JsonMap output, FieldPlan field)
    {
        if (!field.OmitZero)
            output.Append(field.Name, field.Pointer ? null : Zero(field.Type));
    }

    private void Append(JsonMap output, FieldPlan field, object? value)
    {
        if (value is null)
        {
            AppendAbsent(output, field);
            return;
        }
        _path.Add((field.Name, 0));
        value = Value(value, field.Type);
        _path.RemoveAt(_path.Count - 1);
        // A list without items is none after a turn through protobuf, in which upstream stores.
        if (!field.OmitZero && value is JsonList { Count: 0 })
            output.Append(field.Name, null);
        else if (!field.OmitZero || field.Pointer || !FieldPlan.IsZero(value))
            output.Append(field.Name, value);
    }

    /// <summary>What Go writes for a field that was never set.</summary>
    private object? Zero(FieldType type) => type.Kind switch
    {
        ValueKind.String => "",
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Float64 or ValueKind.IntOrString => 0L,
        ValueKind.Bool => false,
        ValueKind.Duration => "0s",
        ValueKind.Quantity => "0",
        ValueKind.Object when type.Type!.CustomJson => null,
        ValueKind.Object => Struct([], type.Type!),
        _ => null,
    };

    private object? Value(object? value, FieldType type)
    {
        switch (type.Kind)
        {
            case ValueKind.Object:
                if (type.Type!.CustomJson)
                    return CustomJson(value, type.Type);
                return value switch { JsonMap map => Struct(map, type.Type), null => Struct([], type.Type), _ => throw WrongType(value, type) };
            case ValueKind.List:
                return value is JsonList list ? List(list, type.Element!) : value is null ? null : throw WrongType(value, type);
            case ValueKind.Map:
                return value is JsonMap items ? Map(items, type.Element!) : value is null ? null : throw WrongType(value, type);
            default:
                return value is null ? Zero(type) : ScalarForms.Normalize(value, type.Kind, out var normalized) ? normalized : throw WrongType(value, type);
        }
    }

    private JsonList List(JsonList list, FieldType element)
    {
        var output = new JsonList(list.Count);
        _path.Add((null, 0));
        for (var i = 0; i < list.Count; i++)
        {
            _path[^1] = (null, i);
            output.Add(Value(list[i], element));
        }
        _path.RemoveAt(_path.Count - 1);
        return output;
    }

    private JsonMap Map(JsonMap map, FieldType element)
    {
        var output = new JsonMap(map.Count);
        _path.Add(("", 0));
        foreach (var (key, value) in map)
        {
            _path[^1] = (key, 0);
            output.Append(key, Value(value, element));
        }
        _path.RemoveAt(_path.Count - 1);
        if (!output.IsSorted())
            output.SortKeys();
        return output;
    }

    /// <summary>JSONSchemaPropsOr{Array,Bool,StringArray}: the arm is chosen by what the JSON is.</summary>
    private object? CustomJson(object? value, TypeSchema type)
    {
        foreach (var arm in type.Fields)
        {
            switch (arm.Type.Kind, value)
            {
                case (ValueKind.Object, JsonMap map): return Struct(map, arm.Type.Type!);
                case (ValueKind.List, JsonList list): return List(list, arm.Type.Element!);
                case (ValueKind.Bool, bool): return value;
            }
        }
        return value is null ? null : throw new FormatException(type.Name.EndsWith("Bool", StringComparison.Ordinal) ? "boolean or JSON schema expected" : "JSON schema or array of JSON schemas expected");
    }

    private JsonMap CustomStruct(JsonMap input, TypeSchema type)
    {
        var plan = StructPlan.Of(type);
        var output = new JsonMap(input.Count);
        var last = -1;
        foreach (var (key, value) in input)
        {
            var at = plan.Find(key, last + 1);
            if (at < 0)
            {
                if (type.PreserveUnknownFields)
                    output.Append(key, value);
                else
                    Unknown(key);
                continue;
            }
            last = at;
            _path.Add((key, 0));
            output.Append(key, CustomValue(value, plan.Fields[at].Type));
            _path.RemoveAt(_path.Count - 1);
        }
        if (!output.IsSorted())
            output.SortKeys();
        return output;
    }

    private object? CustomValue(object? value, FieldType type)
    {
        switch (type.Kind, value)
        {
            // metadata, of the root and of embedded resources, is upstream's ObjectMeta in custom resources too.
            case (ValueKind.Object, not null) when !type.Type!.Custom: return Value(value, type);
            case (ValueKind.Object, JsonMap map): return CustomStruct(map, type.Type!);
            case (ValueKind.Map, JsonMap map):
                var output = new JsonMap(map.Count);
                _path.Add(("", 0));
                foreach (var (key, item) in map)
                {
                    _path[^1] = (key, 0);
                    output.Append(key, CustomValue(item, type.Element!));
                }
                _path.RemoveAt(_path.Count - 1);
                if (!output.IsSorted())
                    output.SortKeys();
                return output;
            case (ValueKind.List, JsonList list):
                var items = new JsonList(list.Count);
                _path.Add((null, 0));
                for (var i = 0; i < list.Count; i++)
                {
                    _path[^1] = (null, i);
                    items.Add(CustomValue(list[i], type.Element!));
                }
                _path.RemoveAt(_path.Count - 1);
                return items;
            default: return value;
        }
    }

    private void Unknown(string key)
    {
        // Bounded: a hostile body must not make the answer larger than itself.
        if (strictErrors is null || strictErrors.Count >= StrictErrorsMax)
            return;
        var path = new StringBuilder();
        foreach (var (step, index) in _path)
        {
            if (step is null)
                path.Append(CultureInfo.InvariantCulture, $"[{index}]");
            else
                path.Append(path.Length > 0 ? "." : "").Append(step);
        }
        strictErrors.Add($"unknown field \"{path}{(path.Length > 0 ? "." : "")}{key}\"");
    }

    /// <summary>Go's decoder gives up reporting after this many (sigs.k8s.io/json).</summary>
    private const int StrictErrorsMax = 100;

    private FormatException WrongType(object value, FieldType type)
    {
        var what = value switch
        {
            string => "string",
            bool => "bool",
            JsonMap => "object",
            JsonList => "array",
            // Go names the number only where the target is numeric.
            IFormattable number when type.Kind is ValueKind.Int32 or ValueKind.Int64 => "number " + number.ToString(null, CultureInfo.InvariantCulture),
            _ => "number",
        };
        var place = _path.Count == 0 ? "value" : $"struct field {_structName}.{string.Join('.', _path.Where(p => p.Key is not null).Select(p => p.Key))}";
        return new FormatException($"json: cannot unmarshal {what} into Go {place} of type {GoName(type)}");
    }

    private static string GoName(FieldType type) => type.Kind switch
    {
        ValueKind.Int32 => "int32",
        ValueKind.Int64 => "int64",
        ValueKind.Float64 => "float64",
        ValueKind.Bool => "bool",
        ValueKind.Bytes => "[]uint8",
        ValueKind.List => "[]" + GoName(type.Element!),
        ValueKind.Map => "map[string]" + GoName(type.Element!),
        ValueKind.Object => type.Type!.Group[(type.Type.Group.LastIndexOf('/') + 1)..] + "." + type.Type.Name,
        ValueKind.Time => "v1.Time",
        ValueKind.MicroTime => "v1.MicroTime",
        ValueKind.Duration => "v1.Duration",
        ValueKind.Quantity => "resource.Quantity",
        ValueKind.IntOrString => "intstr.IntOrString",
        _ => "string",
    };
}

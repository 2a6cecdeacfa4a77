using System.Globalization;

namespace Timonier.Api.Schema;

/// <summary>
/// Reads the compact schema text of one group version (docs/schema.md). The source generator compiles this file too.
/// </summary>
public static class SchemaText
{
    /// <summary>The types of one group; <paramref name="resolve"/> finds a type of any group by its key, at first use.</summary>
    /// <exception cref="FormatException">A line that the format does not know: the schema is part of the program.</exception>
    public static SchemaGroup Parse(string text, Func<string, TypeSchema> resolve)
    {
        var lines = text.Split('\n');
        var head = lines[0].Split(' ');
        var group = new SchemaGroup(head[1], head[2] == "-" ? "" : head[2], head[3], head[4]);
        TypeSchema? type = null;
        var fields = new List<FieldSchema>();
        for (var i = 1; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.Length == 0)
                continue;
            if (line[0] == ' ')
            {
                fields.Add(ParseField(line.Substring(2).Split(' '), group.Key, resolve));
                continue;
            }
            if (type is not null)
                type.Fields = fields;
            fields = [];
            type = ParseType(line.Split(' '), group);
            group.Types[type.Key] = type;
        }
        if (type is not null)
            type.Fields = fields;
        return group;
    }

    private static TypeSchema ParseType(string[] words, SchemaGroup group)
    {
        var type = new TypeSchema { Name = words[0], Group = group.Key, Key = group.Key + "." + words[0] };
        for (var i = 1; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "kind": type.IsKind = type.HasTypeMeta = true; break;
                case "list": type.IsList = type.HasTypeMeta = true; break;
                case "typeMeta": type.HasTypeMeta = true; break;
                case "noProto": type.NoProto = true; break;
                case "customJson": type.CustomJson = true; break;
                case "union": type.Union = true; break;
                case "noOpenapi": break;
                case "struct:atomic": type.Atomic = true; break;
                case var alias when alias.StartsWith("alias:", StringComparison.Ordinal): group.Aliases[type.Key] = alias.Substring(6); break;
                default: throw new FormatException($"{type.Key}: {words[i]}");
            }
        }
        return type;
    }

    private static FieldSchema ParseField(string[] words, string group, Func<string, TypeSchema> resolve)
    {
        var field = new FieldSchema();
        var name = words[0];
        for (; name.Length > 1 && name[name.Length - 1] is '?' or '!'; name = name.Substring(0, name.Length - 1))
        {
            if (name[name.Length - 1] == '?')
                field.OmitEmpty = true;
            else
                field.Required = true;
        }
        field.Inline = name == "+";
        field.Name = field.Inline ? "" : name.TrimStart('.');
        var typeText = words[1];
        field.Pointer = typeText[0] == '*';
        field.Type = ParseFieldType(typeText.TrimStart('*'), group, resolve);
        Dictionary<string, string>? constraints = null;
        for (var i = 2; i < words.Length; i++)
            ParseAttribute(field, words[i], ref constraints);
        if (constraints is not null)
            field.Constraints = constraints;
        return field;
    }

    private static void ParseAttribute(FieldSchema field, string word, ref Dictionary<string, string>? constraints)
    {
        if (word[0] is >= '0' and <= '9')
        {
            field.Proto = int.Parse(word, CultureInfo.InvariantCulture);
            return;
        }
        if (word[0] == '=')
        {
            field.Default = word.Substring(1).Replace("\\u0020", " ");
            return;
        }
        var colon = word.IndexOf(':');
        var key = colon < 0 ? word : word.Substring(0, colon);
        var value = colon < 0 ? "" : word.Substring(colon + 1);
        switch (key)
        {
            case "enum": field.Enum = ParseEnum(value); break;
            case "enum~": field.Enum = ParseEnum(value); field.EnumOpen = true; break;
            case "list":
                var open = value.IndexOf('(');
                field.ListType = open < 0 ? value : value.Substring(0, open);
                if (open >= 0)
                    field.ListMapKeys = value.Substring(open + 1).TrimEnd(')').Split(',');
                break;
            case "map": field.MapType = value; break;
            case "struct": field.StructType = value; break;
            case "patch":
                open = value.IndexOf('(');
                field.PatchStrategy = open < 0 ? value : value.Substring(0, open);
                field.PatchMergeKey = open < 0 ? null : value.Substring(open + 1).TrimEnd(')');
                break;
            case "wrapped": field.ProtoWrapped = true; break;
            case "discriminator": field.UnionDiscriminator = true; break;
            case "oneOf": field.OneOf = value; break;
            case "member" or "zeroOrOneOf": break;
            default: (constraints ??= new Dictionary<string, string>(StringComparer.Ordinal))[key] = Unquote(value); break;
        }
    }

    private static string[] ParseEnum(string value)
    {
        var values = value.Split('|');
        for (var i = 0; i < values.Length; i++)
            values[i] = Unquote(values[i]);
        return values;
    }

    private static string Unquote(string value) => value.Length > 1 && value[0] == '"' ? value.Substring(1, value.Length - 2).Replace("\\u0020", " ") : value;

    private static FieldType ParseFieldType(string text, string group, Func<string, TypeSchema> resolve)
    {
        if (text.StartsWith("[]", StringComparison.Ordinal))
            return new FieldType(ValueKind.List, ParseFieldType(text.Substring(2), group, resolve));
        if (text.StartsWith("{}", StringComparison.Ordinal))
            return new FieldType(ValueKind.Map, ParseFieldType(text.Substring(2), group, resolve));
        switch (text)
        {
            case "string": return new FieldType(ValueKind.String);
            case "int32": return new FieldType(ValueKind.Int32);
            case "int64": return new FieldType(ValueKind.Int64);
            case "float64": return new FieldType(ValueKind.Float64);
            case "bool": return new FieldType(ValueKind.Bool);
            case "bytes": return new FieldType(ValueKind.Bytes);
            case "time": return new FieldType(ValueKind.Time);
            case "microTime": return new FieldType(ValueKind.MicroTime);
            case "duration": return new FieldType(ValueKind.Duration);
            case "quantity": return new FieldType(ValueKind.Quantity);
            case "intOrString": return new FieldType(ValueKind.IntOrString);
            case "fieldsV1": return new FieldType(ValueKind.FieldsV1);
            case "rawExtension" or "json" or "any" or "unknown": return new FieldType(ValueKind.Any);
        }
        var name = text.IndexOf('.') < 0 || text.IndexOf('/') < 0 ? group + "." + text : text;
        return new FieldType(name, () => resolve(name));
    }
}

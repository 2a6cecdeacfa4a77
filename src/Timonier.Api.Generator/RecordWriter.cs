using System.Linq;
using System.Text;
using Timonier.Api.Schema;

namespace Timonier.Api.Generator;

/// <summary>Writes one type as a sealed record.</summary>
internal sealed class RecordWriter(StringBuilder source, TypeSchema type, SchemaGroup group, string[]? resource)
{
    private readonly FieldSchema[] _fields = type.JsonFields.ToArray();

    public void Write()
    {
        var isKind = resource is not null && CSharp.HasMetadata(type);
        source.Append("\n/// <summary>").Append(type.Key).Append(" of the Kubernetes API.</summary>\npublic sealed record ").Append(type.Name)
            .Append(isKind ? " : IKind<" : " : IJsonType<").Append(type.Name).Append(">\n{\n");
        source.Append("    public static readonly ").Append(type.Name).Append(" Empty = new();\n");
        if (type.IsKind)
        {
            var apiVersion = group.ApiGroup.Length == 0 ? group.Version : group.ApiGroup + "/" + group.Version;
            source.Append("    public static string ApiVersion => \"").Append(apiVersion).Append("\";\n    public static string KindName => \"").Append(type.Name).Append("\";\n");
        }
        if (isKind)
        {
            source.Append("    public static global::Timonier.Api.Schema.GroupVersionResource Resource => new(\"").Append(group.ApiGroup).Append("\", \"").Append(group.Version).Append("\", \"").Append(resource![2]).Append("\");\n");
            source.Append("    public static bool Namespaced => ").Append(resource[5] == "namespaced" ? "true" : "false").Append(";\n");
            source.Append("    public ").Append(type.Name).Append(" WithMetadata(global::Timonier.Api.Meta.V1.ObjectMeta metadata) => this with { Metadata = metadata };\n");
        }
        foreach (var field in _fields)
            source.Append("    public ").Append(CSharp.TypeName(field.Type)).Append(CSharp.NeverNull(field) ? " " : "? ").Append(CSharp.Property(field, type)).Append(" { get; init; }").Append(CSharp.Initializer(field)).Append('\n');
        source.Append("    public ").Append(type.Name).Append("() { }\n");
        WriteReader();
        WriteWriter();
        source.Append("}\n");
    }

    private void WriteReader()
    {
        source.Append("    public static ").Append(type.Name).Append(" Read(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Null ? Empty : new(ref reader);\n");
        source.Append("    private ").Append(type.Name).Append("(ref Utf8JsonReader reader)\n    {\n        JsonRead.ExpectObject(ref reader, \"").Append(type.Name).Append("\");\n");
        source.Append("        while (JsonRead.NextProperty(ref reader))\n        {\n");
        var first = true;
        foreach (var field in _fields)
        {
            source.Append(first ? "            if" : "            else if").Append(" (reader.ValueTextEquals(\"").Append(field.Name).Append("\"u8)) { reader.Read(); ");
            var read = ReadExpression(field.Type);
            var property = CSharp.Property(field, type);
            if (CSharp.NeverNull(field))
                source.Append("if (reader.TokenType != JsonTokenType.Null) ").Append(property).Append(" = ").Append(read).Append("; }\n");
            else
                source.Append(property).Append(" = reader.TokenType == JsonTokenType.Null ? null : ").Append(read).Append("; }\n");
            first = false;
        }
        source.Append(first ? "            " : "            else ").Append("JsonRead.SkipValue(ref reader);\n        }\n    }\n");
    }

    private static string ReadExpression(FieldType value)
    {
        switch (value.Kind)
        {
            case ValueKind.List: return value.Element!.Kind == ValueKind.Object && !value.Element.Type!.CustomJson ? "JsonRead.List<" + CSharp.TypeName(value.Element) + ">(ref reader)" : "JsonRead.List(ref reader, static (ref Utf8JsonReader reader) => " + ReadExpression(value.Element) + ")";
            case ValueKind.Map: return value.Element!.Kind == ValueKind.Object && !value.Element.Type!.CustomJson ? "JsonRead.Map<" + CSharp.TypeName(value.Element) + ">(ref reader)" : "JsonRead.Map(ref reader, static (ref Utf8JsonReader reader) => " + ReadExpression(value.Element) + ")";
            case ValueKind.Object: return value.Type!.CustomJson ? "JsonRead.Raw(ref reader)" : CSharp.TypeName(value) + ".Read(ref reader)";
            case ValueKind.Any or ValueKind.FieldsV1: return "JsonRead.Raw(ref reader)";
            case ValueKind.MicroTime: return "JsonRead.Time(ref reader)";
            default: return "JsonRead." + value.Kind + "(ref reader)";
        }
    }

    private void WriteWriter()
    {
        source.Append("    public void Write(Utf8JsonWriter writer)\n    {\n        writer.WriteStartObject();\n");
        if (type.IsKind)
            source.Append("        writer.WriteString(\"kind\"u8, KindName);\n        writer.WriteString(\"apiVersion\"u8, ApiVersion);\n");
        foreach (var field in _fields)
        {
            var property = CSharp.Property(field, type);
            var condition = Condition(field, property);
            source.Append("        ").Append(condition.Length == 0 ? "" : "if (" + condition + ") ").Append("{ writer.WritePropertyName(\"").Append(field.Name).Append("\"u8); ")
                .Append(WriteStatement(field.Type, CSharp.NeverNull(field) || field.Type.Kind is ValueKind.String or ValueKind.Bytes || (field.Type.Kind == ValueKind.Object && !field.Type.Type!.CustomJson) ? property : property + ".Value")).Append(" }\n");
        }
        source.Append("        writer.WriteEndObject();\n    }\n");
    }

    /// <summary>When is the field written? What Go writes, but a struct that is no pointer and holds nothing stays out.</summary>
    private static string Condition(FieldSchema field, string property)
    {
        if (!CSharp.NeverNull(field))
            return property + " is not null";
        return field.Type.Kind switch
        {
            ValueKind.Object => "!ReferenceEquals(" + property + ", " + CSharp.TypeName(field.Type) + ".Empty)",
            _ when !field.OmitEmpty => "",
            ValueKind.List or ValueKind.Map => property + ".Count != 0",
            ValueKind.String or ValueKind.Bytes => property + ".Length != 0",
            ValueKind.Bool => property,
            ValueKind.Int32 or ValueKind.Int64 or ValueKind.Float64 => property + " != 0",
            ValueKind.Duration => property + " != TimeSpan.Zero",
            _ => "!" + property + ".IsZero",
        };
    }

    private static string WriteStatement(FieldType value, string expression)
    {
        switch (value.Kind)
        {
            case ValueKind.String: return "writer.WriteStringValue(" + expression + ");";
            case ValueKind.Int32 or ValueKind.Int64 or ValueKind.Float64: return "writer.WriteNumberValue(" + expression + ");";
            case ValueKind.Bool: return "writer.WriteBooleanValue(" + expression + ");";
            case ValueKind.Bytes: return "writer.WriteBase64StringValue(" + expression + ");";
            case ValueKind.Time or ValueKind.MicroTime or ValueKind.Duration: return "JsonWrite." + value.Kind + "(writer, " + expression + ");";
            case ValueKind.List: return "writer.WriteStartArray(); foreach (var item in " + expression + ") { " + WriteStatement(value.Element!, "item") + " } writer.WriteEndArray();";
            case ValueKind.Map: return "writer.WriteStartObject(); foreach (var (key, entry) in " + expression + ") { writer.WritePropertyName(key); " + WriteStatement(value.Element!, "entry") + " } writer.WriteEndObject();";
            default: return expression + ".Write(writer);";
        }
    }
}

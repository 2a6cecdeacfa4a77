using System.Text;
using Timonier.Api.Schema;

namespace Timonier.Api.Protobuf;

/// <summary>The protobuf message of a struct: its fields by number, each with its place in the JSON object. Immutable.</summary>
internal sealed class MessagePlan
{
    public MessagePlan(StructPlan plan)
    {
        Names = [.. plan.Fields.Select(f => Encoding.UTF8.GetBytes(f.Name))];
        var fields = new List<MessageField>();
        // Inline structs are opened up in JSON, at the place of their declaration: their fields stand in one run.
        var at = plan.Fields.Length - (plan.Type.CustomJson ? 0 : plan.Type.JsonFields.Count());
        foreach (var field in plan.Type.Fields)
        {
            if (field.Proto > 0)
                fields.Add(new MessageField(field, at));
            at += plan.Type.CustomJson ? 1 : field.Inline ? field.Type.Type!.JsonFields.Count() : 1;
        }
        fields.Sort((a, b) => b.Number - a.Number);
        Descending = [.. fields];
        ByNumber = new MessageField?[fields.Count == 0 ? 0 : fields[0].Number + 1];
        foreach (var field in fields)
            ByNumber[field.Number] = field;
    }

    /// <summary>The JSON names of all fields, in the order of <see cref="StructPlan.Fields"/>.</summary>
    public byte[][] Names { get; }

    /// <summary>The highest number first: messages are written from their end.</summary>
    public MessageField[] Descending { get; }
    public MessageField?[] ByNumber { get; }
}

/// <summary>One field of a protobuf message.</summary>
/// <param name="JsonIndex">Its index in the JSON object; for an inline struct that of its first field.</param>
internal sealed record MessageField(FieldSchema Schema, int JsonIndex)
{
    public int Number { get; } = Schema.Proto;
    public FieldType Type { get; } = Schema.Type;
    public bool Pointer { get; } = Schema.Pointer;
}

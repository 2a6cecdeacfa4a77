using System.Linq;
using System.Text;
using Timonier.Api.Schema;

namespace Timonier.Api.Generator;

/// <summary>The C# spelling of the schema's names and types.</summary>
internal static class CSharp
{
    /// <summary>"core/v1" is Timonier.Api.Core.V1, "networking.k8s.io/v1" is Timonier.Api.Networking.V1.</summary>
    public static string Namespace(string group)
    {
        var parts = group.Split('/');
        return "Timonier.Api." + Pascal(parts[0].Split('.')[0]) + "." + Pascal(parts[1]);
    }

    public static string Pascal(string name)
    {
        var text = new StringBuilder();
        var up = true;
        foreach (var c in name)
        {
            if (!char.IsLetterOrDigit(c))
            {
                up = true;
                continue;
            }
            text.Append(up ? char.ToUpperInvariant(c) : c);
            up = false;
        }
        return text.ToString();
    }

    public static string Property(FieldSchema field, TypeSchema owner)
    {
        var name = Pascal(field.Name);
        // C# does not let a member have the name of its type.
        return name == owner.Name || name is "Equals" or "ToString" or "Empty" or "Read" or "Write" ? name + "Value" : name;
    }

    public static string TypeName(FieldType type) => type.Kind switch
    {
        ValueKind.String => "string",
        ValueKind.Int32 => "int",
        ValueKind.Int64 => "long",
        ValueKind.Float64 => "double",
        ValueKind.Bool => "bool",
        ValueKind.Bytes => "byte[]",
        ValueKind.Time or ValueKind.MicroTime => "DateTimeOffset",
        ValueKind.Duration => "TimeSpan",
        ValueKind.Quantity => "global::Timonier.Api.Quantity",
        ValueKind.IntOrString => "global::Timonier.Api.IntOrString",
        ValueKind.Any or ValueKind.FieldsV1 => "global::Timonier.Api.RawJson",
        ValueKind.List => "IReadOnlyList<" + TypeName(type.Element!) + ">",
        ValueKind.Map => "IReadOnlyDictionary<string, " + TypeName(type.Element!) + ">",
        _ => type.Type!.CustomJson ? "global::Timonier.Api.RawJson" : "global::" + Namespace(type.Type.Group) + "." + type.Type.Name,
    };

    /// <summary>Is the value always there: a zero, an empty list, an empty struct?</summary>
    public static bool NeverNull(FieldSchema field) => field.Type.Kind switch
    {
        ValueKind.List or ValueKind.Map => true,
        ValueKind.Time or ValueKind.MicroTime or ValueKind.Any or ValueKind.FieldsV1 => false,
        ValueKind.Object when field.Type.Type!.CustomJson => false,
        _ => !field.Pointer,
    };

    /// <summary>The initializer of a never-null property; empty where C#'s own default is right.</summary>
    public static string Initializer(FieldSchema field)
    {
        if (!NeverNull(field))
            return "";
        return field.Type.Kind switch
        {
            ValueKind.String => " = \"\";",
            ValueKind.Bytes or ValueKind.List => " = [];",
            ValueKind.Map => " = Frozen<" + TypeName(field.Type.Element!) + ">.EmptyMap;",
            ValueKind.Object => " = " + TypeName(field.Type) + ".Empty;",
            _ => "",
        };
    }

    public static bool HasMetadata(TypeSchema type) => type.IsKind && type.JsonFields.Any(f => f.Name == "metadata" && f.Type.TypeName == "meta/v1.ObjectMeta");
}

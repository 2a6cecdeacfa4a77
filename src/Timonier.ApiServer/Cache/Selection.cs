using System.Text;
using System.Text.Json;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Which objects of a resource a list or watch means: a range of keys, and what its selectors ask of the header. No object is parsed for it.</summary>
internal sealed class Selection(ResourceStore resource, KeyRange range, IReadOnlyList<LabelTerm> labels, IReadOnlyList<FieldTerm> fields)
{
    public KeyRange Range { get; } = range;

    /// <summary>Every object of the range matches.</summary>
    public bool IsWholeRange { get; } = labels.Count + fields.Count == 0;

    public bool Matches(Entry? entry)
    {
        if (entry is null || !Range.Contains(entry.Key))
            return false;
        if (IsWholeRange)
            return true;
        var obj = new EncodedObject(entry);
        foreach (var term in fields)
        {
            if (!term.Matches(resource, obj))
                return false;
        }
        foreach (var term in labels)
        {
            if (!term.Matches(obj.Field(FieldPaths.Labels)))
                return false;
        }
        return true;
    }
}

/// <summary>One requirement on labels, compared with the JSON of metadata.labels.</summary>
internal sealed class LabelTerm(LabelRequirement requirement)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(requirement.Key);
    private readonly byte[][] _values = [.. requirement.Values.Select(Encoding.UTF8.GetBytes)];

    public bool Matches(ReadOnlySpan<byte> labels)
    {
        if (labels.IsEmpty)
            return requirement.Matches(false, "");
        var reader = new Utf8JsonReader(labels);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(_key);
            reader.Read();
            if (found)
                return Matches(ref reader);
        }
        return requirement.Matches(false, "");
    }

    private bool Matches(ref Utf8JsonReader value)
    {
        switch (requirement.Operator)
        {
            case "In" or "NotIn":
                var any = false;
                foreach (var one in _values)
                    any |= value.ValueTextEquals(one);
                return any == (requirement.Operator == "In");
            case "Exists":
                return true;
            case "DoesNotExist":
                return false;
            default:
                return requirement.Matches(true, value.GetString() ?? "");
        }
    }
}

/// <summary>One requirement on a selectable field. Index -1: metadata.name, -2: metadata.namespace; both stand in the key.</summary>
/// <param name="otherIndex">The field that counts where the first is absent: an event's source is its component, else who reported it; -1: none.</param>
internal sealed class FieldTerm(int index, FieldRequirement requirement, string whenAbsent, int otherIndex = -1)
{
    public const int Name = -1;
    public const int Namespace = -2;

    private readonly byte[] _value = Encoding.UTF8.GetBytes(requirement.Value);

    public bool Matches(ResourceStore resource, in EncodedObject obj) => HasValue(resource, obj) == requirement.Equal;

    private bool HasValue(ResourceStore resource, in EncodedObject obj)
    {
        if (index < 0)
        {
            var (ns, name) = resource.Split(obj.Entry.Key);
            return (index == Name ? name : ns) == requirement.Value;
        }
        var raw = obj.Field(index);
        if (raw.IsEmpty && otherIndex >= 0)
            raw = obj.Field(otherIndex);
        if (raw.IsEmpty)
            return whenAbsent == requirement.Value;
        if (raw[0] != (byte)'"')
            return raw.SequenceEqual(_value);
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        return reader.ValueTextEquals(_value);
    }
}

using System.Text;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>
/// Which objects of a resource a list or watch means: a range of keys, and what its selectors ask of the header. No object is parsed for it,
/// unless it is a custom one that is selected by fields of a version in which it may not be stored.
/// </summary>
internal sealed class Selection(ServedResource served, KeyRange range, IReadOnlyList<LabelTerm> labels, IReadOnlyList<FieldTerm> fields, IReadOnlyList<CustomFieldTerm> customFields)
{
    public KeyRange Range { get; } = range;

    /// <summary>By what a watch of it is found.</summary>
    public Interest Interest { get; } = Narrowest(served, range, fields);

    /// <summary>Every object of the range matches.</summary>
    public bool IsWholeRange { get; } = labels.Count + fields.Count + customFields.Count == 0;

    /// <summary>The fields stand only in what a webhook makes of a stored object.</summary>
    public bool AsksWebhook { get; } = customFields.Count > 0 && Converted.AsksWebhook(served);

    private static Interest Narrowest(ServedResource served, KeyRange range, IReadOnlyList<FieldTerm> fields)
    {
        var narrowed = served.Store is { } store && range.Start.Length > store.Prefix.Length;
        if (narrowed && !range.Start.EndsWith('/'))
            return Interest.In(range.Start);
        return fields.Select(f => f.Interest).FirstOrDefault(i => i != Interest.Everything, narrowed ? Interest.In(range.Start) : Interest.Everything);
    }

    public bool Matches(Entry? entry)
    {
        if (entry is null || !Range.Contains(entry.Key))
            return false;
        if (IsWholeRange)
            return true;
        var obj = new EncodedObject(entry);
        foreach (var term in fields)
        {
            if (!term.Matches(served.Store!, obj))
                return false;
        }
        if (customFields.Count > 0 && !MatchesCustom(obj))
            return false;
        foreach (var term in labels)
        {
            if (!term.Matches(obj.Field(FieldPaths.Labels)))
                return false;
        }
        return true;
    }

    /// <summary>As <see cref="Matches(Entry?)"/>, with the webhook asked where that is needed.</summary>
    public async ValueTask<bool> MatchesAsync(Entry? entry, CancellationToken cancel)
    {
        if (entry is null || !AsksWebhook || !Range.Contains(entry.Key))
            return Matches(entry);
        return Matches(entry, await Converted.ParseAsync(served, new EncodedObject(entry), cancel));
    }

    /// <param name="asked">The object after the webhook.</param>
    public bool Matches(Entry entry, JsonMap asked)
    {
        var obj = Converted.FromStored(served, asked);
        var metadata = JsonEncoder.Encode(obj.GetPath("metadata", "labels") ?? new JsonMap());
        return fields.All(f => f.Matches(served.Store!, new EncodedObject(entry))) && customFields.All(f => f.Matches(obj)) && labels.All(l => l.Matches(metadata));
    }

    private bool MatchesCustom(in EncodedObject obj)
    {
        if (served.Converter is not null)
        {
            var tree = Converted.FromStored(served, obj.Parse());
            return customFields.All(f => f.Matches(tree));
        }
        foreach (var term in customFields)
        {
            if (!term.Matches(obj.Json))
                return false;
        }
        return true;
    }
}

/// <summary>One requirement on a field that a definition makes selectable, in the version of the request.</summary>
internal sealed class CustomFieldTerm(FieldRequirement requirement)
{
    private readonly FieldPaths _paths = new([requirement.Field]);
    private readonly string[] _steps = requirement.Field.Split('.', StringSplitOptions.RemoveEmptyEntries);
    private readonly byte[] _value = Encoding.UTF8.GetBytes(requirement.Value);

    public bool Matches(JsonMap obj)
    {
        var raw = obj.GetPath(_steps) is { } value ? JsonEncoder.Encode(value) : [];
        return HasValue(raw) == requirement.Equal;
    }

    public bool Matches(ReadOnlySpan<byte> json)
    {
        Span<(int Offset, int Length)> found = stackalloc (int, int)[2];
        _paths.Find(json, found);
        return HasValue(json.Slice(found[1].Offset, found[1].Length)) == requirement.Equal;
    }

    private bool HasValue(ReadOnlySpan<byte> raw)
    {
        if (raw.IsEmpty)
            return _value.Length == 0;
        if (raw[0] != (byte)'"')
            return raw.SequenceEqual(_value);
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        return reader.ValueTextEquals(_value);
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

    /// <summary>Everything, unless the term asks for one value of a text field.</summary>
    public Interest Interest => index > 0 && requirement.Equal && whenAbsent.Length == 0 && otherIndex < 0 ? Interest.Having(index, requirement.Value) : Interest.Everything;

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

using System.Text;
using Timonier.Api.Json;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>What a watch can be found by when an object changes, so that the kubelets of a thousand nodes are not all woken by one pod. Always wider than its selection.</summary>
/// <param name="Range">The key of one object, or what the keys of a namespace begin with; null: any.</param>
/// <param name="Field">A field of the header that must have the value; 0: none.</param>
/// <param name="Value">As the field stands in JSON; empty when it must be absent or an empty string.</param>
internal readonly record struct Interest(string? Range, int Field = 0, string Value = "")
{
    public static Interest Everything => default;

    public static Interest In(string range) => new(range);

    public static Interest Having(int field, string value) => new(null, field, value.Length == 0 ? "" : Encoding.UTF8.GetString(JsonEncoder.Encode(value)));
}

/// <summary>The waiting watchers of one resource by what they are interested in. Its owner sees to it that one thread at a time uses it.</summary>
internal sealed class InterestIndex(TimeProvider time)
{
    private readonly Dictionary<string, WaitingWatchers> _ranges = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Dictionary<string, WaitingWatchers>> _fields = [];
    private readonly HashSet<WaitingWatchers> _touched = [];

    /// <summary>Those whom every change may concern.</summary>
    private readonly WaitingWatchers _all = new(time);

    public WaitingWatchers Join(Interest interest)
    {
        var group = _all;
        if (Groups(interest) is { } groups && !groups.TryGetValue(Name(interest), out group!))
            groups.Add(Name(interest), group = new WaitingWatchers(time));
        group.Members++;
        return group;
    }

    public void Part(Interest interest, WaitingWatchers group)
    {
        if (--group.Members > 0 || Groups(interest) is not { } groups)
            return;
        groups.Remove(Name(interest));
        if (groups.Count == 0)
            _fields.Remove(interest.Field);
    }

    /// <summary>Notes whom a change concerns, for the next <see cref="TakeTouched"/>.</summary>
    public void Touch(WatchEvent change, long position)
    {
        Touch(_all, position);
        if (_ranges.Count > 0)
        {
            var ranges = _ranges.GetAlternateLookup<ReadOnlySpan<char>>();
            if (ranges.TryGetValue(change.Key, out var one))
                Touch(one, position);
            if (ranges.TryGetValue(change.Key.AsSpan(0, change.Key.LastIndexOf('/') + 1), out var all))
                Touch(all, position);
        }
        foreach (var (field, values) in _fields)
        {
            TouchValue(values, field, change.Previous, position);
            TouchValue(values, field, change.Current, position);
        }
    }

    /// <summary>Adds whom the changes since the last call concern.</summary>
    public void TakeTouched(List<WaitingWatchers> groups)
    {
        groups.AddRange(_touched);
        _touched.Clear();
    }

    /// <summary>Adds all who wait.</summary>
    /// <param name="position">Nothing before it is new to those whom no change concerned.</param>
    public void TakeAll(List<WaitingWatchers> groups, long position)
    {
        _touched.Clear();
        groups.Add(_all);
        groups.AddRange(_ranges.Values);
        groups.AddRange(_fields.Values.SelectMany(v => v.Values));
        foreach (var group in groups)
            group.Touch(position);
    }

    private void Touch(WaitingWatchers group, long position)
    {
        group.Touch(position);
        _touched.Add(group);
    }

    private void TouchValue(Dictionary<string, WaitingWatchers> values, int field, Entry? entry, long position)
    {
        if (entry is null)
            return;
        var raw = new Registry.EncodedObject(entry).Field(field);
        Span<char> text = raw.Length <= 512 ? stackalloc char[512] : new char[raw.Length];
        text = text[..Encoding.UTF8.GetChars(raw, text)];
        if (values.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text is "\"\"" ? [] : text, out var group))
            Touch(group, position);
    }

    private Dictionary<string, WaitingWatchers>? Groups(Interest interest)
    {
        if (interest.Range is not null)
            return _ranges;
        if (interest.Field == 0)
            return null;
        if (!_fields.TryGetValue(interest.Field, out var values))
            _fields.Add(interest.Field, values = new(StringComparer.Ordinal));
        return values;
    }

    private static string Name(Interest interest) => interest.Range ?? interest.Value;
}

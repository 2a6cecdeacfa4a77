using System.Text;
using Timonier.Api.Json;

namespace Timonier.Api.Apply;

/// <summary>
/// A set of fields of one object, as a tree by path step; the form that managedFields has on the wire (fieldsV1). A step is "f:NAME"
/// (field or map key), "k:{...}" (item of a list by its keys), "v:..." (item of a set) or "i:N". Immutable once built.
/// Source: structured-merge-diff fieldpath.Set.
/// </summary>
internal sealed class FieldSet
{
    public static readonly FieldSet Empty = new([], member: false);

    /// <summary>A member without children: a leaf.</summary>
    public static readonly FieldSet Leaf = new([], member: true);

    // Sorted by key, ordinally: what all operations below walk along.
    private readonly List<KeyValuePair<string, FieldSet>> _children;

    private FieldSet(List<KeyValuePair<string, FieldSet>> children, bool member) => (_children, IsMember) = (children, member);

    /// <summary>Is the place itself in the set, not only places below it?</summary>
    public bool IsMember { get; }

    public bool IsEmpty => !IsMember && _children.Count == 0;

    public IReadOnlyList<KeyValuePair<string, FieldSet>> Children => _children;

    public FieldSet? Child(string key)
    {
        int low = 0, high = _children.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_children[middle].Key, key);
            if (order == 0)
                return _children[middle].Value;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return null;
    }

    public FieldSet Union(FieldSet other) => Combine(this, other, static (a, b) => a || b, keepLeft: true, keepRight: true);

    public FieldSet Intersection(FieldSet other) => Combine(this, other, static (a, b) => a && b, keepLeft: false, keepRight: false);

    /// <summary>The members of this that are none of <paramref name="other"/>; what stands below a removed member stays.</summary>
    public FieldSet Difference(FieldSet other) => Combine(this, other, static (a, b) => a && !b, keepLeft: true, keepRight: false);

    /// <summary>As <see cref="Difference"/>, but a member of <paramref name="other"/> takes all below it along.</summary>
    public FieldSet RecursiveDifference(FieldSet other)
    {
        if (other.IsMember)
            return Empty;
        var builder = new Builder();
        foreach (var (key, child) in _children)
            builder.Add(key, other.Child(key) is { } cut ? child.RecursiveDifference(cut) : child);
        return builder.Build(IsMember);
    }

    private static FieldSet Combine(FieldSet a, FieldSet b, Func<bool, bool, bool> member, bool keepLeft, bool keepRight)
    {
        if (b.IsEmpty)
            return keepLeft ? a : Empty;
        if (a.IsEmpty)
            return keepRight ? b : Empty;
        var builder = new Builder();
        int i = 0, j = 0;
        while (i < a._children.Count || j < b._children.Count)
        {
            var order = i == a._children.Count ? 1 : j == b._children.Count ? -1 : string.CompareOrdinal(a._children[i].Key, b._children[j].Key);
            if (order == 0)
            {
                builder.Add(a._children[i].Key, Combine(a._children[i].Value, b._children[j].Value, member, keepLeft, keepRight));
                i++;
                j++;
            }
            else if (order < 0)
            {
                if (keepLeft)
                    builder.Add(a._children[i].Key, a._children[i].Value);
                i++;
            }
            else
            {
                if (keepRight)
                    builder.Add(b._children[j].Key, b._children[j].Value);
                j++;
            }
        }
        return builder.Build(member(a.IsMember, b.IsMember));
    }

    /// <summary>The paths of all members, written as upstream writes them: .spec.containers[name="a"].image</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        if (IsMember)
            yield return prefix;
        foreach (var (key, child) in _children)
        {
            foreach (var path in child.Paths(prefix + StepText(key)))
                yield return path;
        }
    }

    private static string StepText(string step) => step[0] switch
    {
        'f' => "." + step[2..],
        'v' => $"[={step[2..]}]",
        'i' => $"[{step[2..]}]",
        _ => "[" + string.Join(',', JsonParser.ParseMap(Encoding.UTF8.GetBytes(step[2..])).Select(k => $"{k.Key}={Encoding.UTF8.GetString(JsonEncoder.Encode(k.Value))}")) + "]",
    };

    /// <summary>The fieldsV1 of a managedFields entry.</summary>
    public JsonMap ToJson()
    {
        var map = new JsonMap(_children.Count + 1);
        if (IsMember && _children.Count > 0)
            map.Append(".", new JsonMap());
        foreach (var (key, child) in _children)
            map.Append(key, child.ToJson());
        return map;
    }

    /// <exception cref="FormatException">No fieldsV1.</exception>
    public static FieldSet FromJson(JsonMap json) => FromJson(json, isRoot: true);

    private static FieldSet FromJson(JsonMap json, bool isRoot)
    {
        if (json.Count == 0)
            return isRoot ? Empty : Leaf;
        var builder = new Builder();
        var member = false;
        foreach (var (key, value) in json)
        {
            if (value is not JsonMap child)
                throw new FormatException("fieldsV1: expected an object");
            if (key == ".")
                member = true;
            else if (key.Length > 2 && key[1] == ':' && key[0] is 'f' or 'k' or 'v' or 'i')
                builder.Add(key, FromJson(child, isRoot: false));
            else
                throw new FormatException($"fieldsV1: invalid key {key}");
        }
        return builder.Build(member);
    }

    /// <summary>Gathers the children of one node.</summary>
    public struct Builder()
    {
        private List<KeyValuePair<string, FieldSet>>? _children;
        private bool _unsorted;

        public void Add(string key, FieldSet child)
        {
            if (child.IsEmpty)
                return;
            _children ??= [];
            _unsorted |= _children.Count > 0 && string.CompareOrdinal(_children[^1].Key, key) > 0;
            _children.Add(new(key, child));
        }

        public readonly FieldSet Build(bool member)
        {
            if (_children is null)
                return member ? Leaf : Empty;
            if (_unsorted)
                _children.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
            return new FieldSet(_children, member);
        }
    }
}

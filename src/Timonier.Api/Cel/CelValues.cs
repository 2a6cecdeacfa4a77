using System.Globalization;
using System.Text;
using Timonier.Api.Json;
using Timonier.Api.Normalize;

namespace Timonier.Api.Cel;

/// <summary>A value of a library's type.</summary>
public interface ICelOpaque
{
    CelType CelType { get; }
}

/// <summary>An optional value.</summary>
public sealed record CelOptional(bool HasValue, object? Value)
{
    public static readonly CelOptional None = new(false, null);

    public static CelOptional Of(object? value) => new(true, value);
}

/// <summary>A map that an expression made: keys of any kind, in order. Equal keys are equal as CEL has it: 1 == 1.0.</summary>
internal sealed class CelMap
{
    private readonly Dictionary<object, object?> _items = new(CelValues.KeyComparer);

    public int Count => _items.Count;

    public IEnumerable<KeyValuePair<object, object?>> Items => _items;

    public bool TryGet(object? key, out object? value)
    {
        value = null;
        return key is not null && _items.TryGetValue(key, out value);
    }

    public bool TryAdd(object key, object? value) => _items.TryAdd(key, value);
}

/// <summary>
/// What values are at run time: null, bool, long, ulong, double, string, byte[], <see cref="TimeSpan"/>, <see cref="DateTimeOffset"/>, lists
/// (<see cref="IReadOnlyList{T}"/>), maps (<see cref="JsonMap"/>, <see cref="CelMap"/>), <see cref="CelType"/>, <see cref="CelOptional"/>, <see cref="Quantity"/> and <see cref="ICelOpaque"/>.
/// </summary>
internal static class CelValues
{
    public static readonly IEqualityComparer<object> KeyComparer = new ValueComparer();

    public static CelType TypeOf(object? value) => value switch
    {
        null => CelType.Null,
        bool => CelType.Bool,
        long => CelType.Int,
        ulong => CelType.Uint,
        double => CelType.Double,
        string => CelType.String,
        byte[] => CelType.Bytes,
        TimeSpan => CelType.Duration,
        DateTimeOffset => CelType.Timestamp,
        JsonMap or CelMap => CelType.DynMap,
        CelType => CelType.TypeType,
        CelOptional => CelType.Optional(CelType.Dyn),
        Quantity => Library.KubernetesTypes.Quantity,
        ICelOpaque opaque => opaque.CelType,
        _ => CelType.DynList,
    };

    /// <summary>Could the value stand for a parameter of this type?</summary>
    public static bool IsOf(object? value, CelType type) => type.Kind switch
    {
        CelKind.Dyn or CelKind.Variable => true,
        CelKind.Object => value is JsonMap,
        _ => TypeOf(value) is var actual && actual.Kind == type.Kind && (type.Kind != CelKind.Opaque || actual.Name == type.Name),
    };

    /// <summary>
    /// A value from JSON as its declared type has it: numbers that happen to be whole, times, durations and bytes have no form of
    /// their own in JSON.
    /// </summary>
    public static object? FromJson(object? value, CelType type)
    {
        try
        {
            return (type.Kind, value) switch
            {
                (CelKind.Double, long number) => (double)number,
                (CelKind.Timestamp, string text) => text.Length == 10 ? ScalarForms.ParseTime(text + "T00:00:00Z", "") : ScalarForms.ParseTime(text, ""),
                (CelKind.Duration, string text) => GoDuration.TryParse(text, out var duration) ? duration : value,
                (CelKind.Bytes, string text) => Convert.FromBase64String(text),
                _ => value,
            };
        }
        catch (FormatException e)
        {
            throw new CelException(e.Message);
        }
    }

    /// <summary>A result as JSON: what a patch or an annotation is made of.</summary>
    /// <exception cref="CelException">It has no form in JSON.</exception>
    public static object? ToJson(object? value)
    {
        switch (value)
        {
            case null or bool or long or double or string:
                return value;
            case ulong number:
                return number <= long.MaxValue ? (object)(long)number : (double)number;
            case byte[] bytes:
                return Convert.ToBase64String(bytes);
            case TimeSpan or DateTimeOffset or Quantity:
                return ToText(value);
            case IReadOnlyList<object?> list:
                return new JsonList(list.Select(ToJson));
            case JsonMap map:
                return map;
            case CelMap map:
                var result = new JsonMap();
                foreach (var (key, item) in map.Items)
                    result[key as string ?? ToText(key)] = ToJson(item);
                return result;
            case CelOptional { HasValue: true } optional:
                return ToJson(optional.Value);
            default:
                throw new CelException($"type conversion error from '{TypeOf(value)}' to JSON");
        }
    }

    /// <summary>As the string() function writes it.</summary>
    public static string ToText(object? value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        long or ulong => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        double number => double.IsPositiveInfinity(number) ? "+Inf" : double.IsNegativeInfinity(number) ? "-Inf" : number.ToString(CultureInfo.InvariantCulture),
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        TimeSpan duration => (duration.Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.#########", CultureInfo.InvariantCulture) + "s",
        DateTimeOffset time => time.ToString(time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
        CelType type => type.Name,
        null => "null",
        _ => value.ToString() ?? "",
    };

    public static bool AreEqual(object? a, object? b)
    {
        switch (a, b)
        {
            case (null, null):
                return true;
            case (null, _) or (_, null):
                return false;
            case (long or ulong or double, long or ulong or double):
                return CompareNumbers(a, b) == 0;
            case (byte[] x, byte[] y):
                return x.AsSpan().SequenceEqual(y);
            case (IReadOnlyList<object?> x, IReadOnlyList<object?> y):
                return x.Count == y.Count && !x.Where((item, i) => !AreEqual(item, y[i])).Any();
            case (JsonMap or CelMap, JsonMap or CelMap):
                return CountOf(a) == CountOf(b) && Entries(a).All(e => TryGet(b, e.Key, out var other) && AreEqual(e.Value, other));
            case (CelOptional x, CelOptional y):
                return x.HasValue == y.HasValue && AreEqual(x.Value, y.Value);
            case (CelType x, CelType y):
                return x.Name == y.Name;
            default:
                return a.Equals(b);
        }
    }

    /// <summary>Null when the numbers have no order: NaN.</summary>
    public static int? CompareNumbers(object a, object b)
    {
        switch (a, b)
        {
            case (long x, long y): return x.CompareTo(y);
            case (ulong x, ulong y): return x.CompareTo(y);
            case (double x, double y): return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
            case (long x, ulong y): return x < 0 ? -1 : ((ulong)x).CompareTo(y);
            case (ulong x, long y): return y < 0 ? 1 : x.CompareTo((ulong)y);
            case (double x, _): return double.IsNaN(x) ? null : CompareDouble(x, b);
            case (_, double y): return double.IsNaN(y) ? null : -CompareDouble(y, a);
            default: return null;
        }
    }

    private static int CompareDouble(double x, object integer)
    {
        if (x < -9.3e18)
            return -1;
        if (x > 1.9e19)
            return 1;
        return ((decimal)x).CompareTo(integer is long number ? number : (decimal)(ulong)integer);
    }

    /// <summary>The order of two values of one kind; null when they have none.</summary>
    public static int? Compare(object? a, object? b) => (a, b) switch
    {
        (long or ulong or double, long or ulong or double) => CompareNumbers(a, b),
        (string x, string y) => CompareText(x, y),
        (bool x, bool y) => x.CompareTo(y),
        (byte[] x, byte[] y) => x.AsSpan().SequenceCompareTo(y),
        (TimeSpan x, TimeSpan y) => x.CompareTo(y),
        (DateTimeOffset x, DateTimeOffset y) => x.CompareTo(y),
        _ => throw CelException.NoSuchOverload(),
    };

    /// <summary>By code points, which differs from UTF-16 beyond the basic plane.</summary>
    private static int CompareText(string a, string b)
    {
        var length = Math.Min(a.Length, b.Length);
        for (var i = 0; i < length; i++)
        {
            if (a[i] != b[i])
                return char.IsSurrogate(a[i]) != char.IsSurrogate(b[i]) ? (char.IsSurrogate(a[i]) ? 1 : -1) : a[i] - b[i];
        }
        return a.Length - b.Length;
    }

    public static int CountOf(object? value) => value switch { JsonMap map => map.Count, CelMap map => map.Count, IReadOnlyList<object?> list => list.Count, _ => 0 };

    public static bool TryGet(object? map, object? key, out object? value)
    {
        value = null;
        return map switch
        {
            JsonMap json => key is string text && json.TryGetValue(text, out value),
            CelMap own => own.TryGet(key, out value),
            _ => throw CelException.NoSuchOverload(),
        };
    }

    public static IEnumerable<KeyValuePair<object, object?>> Entries(object? map) => map switch
    {
        JsonMap json => json.Select(e => new KeyValuePair<object, object?>(e.Key, e.Value)),
        CelMap own => own.Items,
        _ => throw CelException.NoSuchOverload(),
    };

    private sealed class ValueComparer : IEqualityComparer<object>
    {
        public new bool Equals(object? x, object? y) => AreEqual(x, y);

        public int GetHashCode(object obj) => obj switch
        {
            long number => ((double)number).GetHashCode(),
            ulong number => ((double)number).GetHashCode(),
            _ => obj.GetHashCode(),
        };
    }
}

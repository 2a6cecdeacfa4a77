using Timonier.Api.Json;

namespace Timonier.Api.Cel.Library;

/// <summary>The operators and functions of the language itself.</summary>
internal static class StandardLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        functions.Add("!_(bool) bool", a => !(bool)a[0]!);
        functions.Add("-_(int) int", a => Checked(() => checked(-(long)a[0]!)));
        functions.Add("-_(double) double", a => -(double)a[0]!);
        AddOrder(functions);
        AddArithmetic(functions);
        functions.Add("@in(A, list(A)) bool", a => ((IReadOnlyList<object?>)a[1]!).Any(i => CelValues.AreEqual(i, a[0])));
        functions.Add("@in(A, map(A, B)) bool", a => CelValues.TryGet(a[1], a[0], out _));
        foreach (var type in (string[])["string", "bytes", "list(A)", "map(A, B)"])
        {
            functions.Add($"size({type}) int", a => Size(a[0]));
            functions.Add($"{type}::size() int", a => Size(a[0]));
        }
        AddOptionals(functions);
    }

    public static long Size(object? value) => value switch
    {
        string text => text.EnumerateRunes().Count(),
        byte[] bytes => bytes.Length,
        _ => CelValues.CountOf(value),
    };

    /// <summary>Overflow is an error in the language.</summary>
    private static object Checked<T>(Func<T> compute, string kind = "integer") where T : struct
    {
        try
        {
            return compute();
        }
        catch (OverflowException)
        {
            throw new CelException($"{kind} overflow");
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new CelException($"{kind} overflow");
        }
    }

    private static void AddOrder(CelFunctions functions)
    {
        string[] numbers = ["int", "uint", "double"];
        var pairs = numbers.SelectMany(a => numbers.Select(b => $"{a}, {b}")).Concat(["bool, bool", "string, string", "bytes, bytes", "duration, duration", "timestamp, timestamp"]);
        foreach (var pair in pairs)
        {
            functions.Add($"_<_({pair}) bool", a => CelValues.Compare(a[0], a[1]) < 0);
            functions.Add($"_<=_({pair}) bool", a => CelValues.Compare(a[0], a[1]) <= 0);
            functions.Add($"_>_({pair}) bool", a => CelValues.Compare(a[0], a[1]) > 0);
            functions.Add($"_>=_({pair}) bool", a => CelValues.Compare(a[0], a[1]) >= 0);
        }
    }

    private static void AddArithmetic(CelFunctions functions)
    {
        functions.Add("_+_(int, int) int", a => Checked(() => checked((long)a[0]! + (long)a[1]!)));
        functions.Add("_-_(int, int) int", a => Checked(() => checked((long)a[0]! - (long)a[1]!)));
        functions.Add("_*_(int, int) int", a => Checked(() => checked((long)a[0]! * (long)a[1]!)));
        functions.Add("_/_(int, int) int", a => (long)a[1]! == 0 ? throw new CelException("division by zero") : Checked(() => checked((long)a[0]! / (long)a[1]!)));
        functions.Add("_%_(int, int) int", a => (long)a[1]! == 0 ? throw new CelException("modulus by zero") : (long)a[1]! == -1 ? 0L : (long)a[0]! % (long)a[1]!);
        functions.Add("_+_(uint, uint) uint", a => Checked(() => checked((ulong)a[0]! + (ulong)a[1]!), "unsigned integer"));
        functions.Add("_-_(uint, uint) uint", a => Checked(() => checked((ulong)a[0]! - (ulong)a[1]!), "unsigned integer"));
        functions.Add("_*_(uint, uint) uint", a => Checked(() => checked((ulong)a[0]! * (ulong)a[1]!), "unsigned integer"));
        functions.Add("_/_(uint, uint) uint", a => (ulong)a[1]! == 0 ? throw new CelException("division by zero") : (ulong)a[0]! / (ulong)a[1]!);
        functions.Add("_%_(uint, uint) uint", a => (ulong)a[1]! == 0 ? throw new CelException("modulus by zero") : (ulong)a[0]! % (ulong)a[1]!);
        functions.Add("_+_(double, double) double", a => (double)a[0]! + (double)a[1]!);
        functions.Add("_-_(double, double) double", a => (double)a[0]! - (double)a[1]!);
        functions.Add("_*_(double, double) double", a => (double)a[0]! * (double)a[1]!);
        functions.Add("_/_(double, double) double", a => (double)a[0]! / (double)a[1]!);
        functions.Add("_+_(string, string) string", a => (string)a[0]! + (string)a[1]!);
        functions.Add("_+_(bytes, bytes) bytes", a => ((byte[])a[0]!).Concat((byte[])a[1]!).ToArray());
        functions.Add("_+_(list(A), list(A)) list(A)", a => new JsonList(((IReadOnlyList<object?>)a[0]!).Concat((IReadOnlyList<object?>)a[1]!)));
        functions.Add("_+_(duration, duration) duration", a => Checked(() => (TimeSpan)a[0]! + (TimeSpan)a[1]!, "duration"));
        functions.Add("_-_(duration, duration) duration", a => Checked(() => (TimeSpan)a[0]! - (TimeSpan)a[1]!, "duration"));
        functions.Add("_+_(timestamp, duration) timestamp", a => Checked(() => (DateTimeOffset)a[0]! + (TimeSpan)a[1]!, "timestamp"));
        functions.Add("_+_(duration, timestamp) timestamp", a => Checked(() => (DateTimeOffset)a[1]! + (TimeSpan)a[0]!, "timestamp"));
        functions.Add("_-_(timestamp, duration) timestamp", a => Checked(() => (DateTimeOffset)a[0]! - (TimeSpan)a[1]!, "timestamp"));
        functions.Add("_-_(timestamp, timestamp) duration", a => (DateTimeOffset)a[0]! - (DateTimeOffset)a[1]!);
    }

    private static void AddOptionals(CelFunctions functions)
    {
        functions.Add("optional.of(A) optional(A)", a => CelOptional.Of(a[0]));
        functions.Add("optional.none() optional(A)", _ => CelOptional.None);
        functions.Add("optional.ofNonZeroValue(A) optional(A)", a => IsZero(a[0]) ? CelOptional.None : CelOptional.Of(a[0]));
        functions.Add("optional(A)::hasValue() bool", a => ((CelOptional)a[0]!).HasValue);
        functions.Add("optional(A)::value() A", a => a[0] is CelOptional { HasValue: true } optional ? optional.Value : throw new CelException("optional.none() dereference"));
        functions.Add("optional(A)::or(optional(A)) optional(A)", a => ((CelOptional)a[0]!).HasValue ? a[0] : a[1]);
        functions.Add("optional(A)::orValue(A) A", a => a[0] is CelOptional { HasValue: true } optional ? optional.Value : a[1]);
    }

    private static bool IsZero(object? value) => value switch
    {
        null or false or 0L or 0UL or 0.0 or "" => true,
        byte[] bytes => bytes.Length == 0,
        TimeSpan duration => duration == TimeSpan.Zero,
        JsonMap or CelMap or IReadOnlyList<object?> => CelValues.CountOf(value) == 0,
        CelOptional optional => !optional.HasValue,
        _ => false,
    };
}

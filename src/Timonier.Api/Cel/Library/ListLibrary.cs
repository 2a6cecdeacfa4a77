using Timonier.Api.Json;

namespace Timonier.Api.Cel.Library;

/// <summary>Functions on lists: Kubernetes' own, cel-go's lists extension, and sets.</summary>
internal static class ListLibrary
{
    /// <summary>What one call may make: lists.range and flatten could else make much of little.</summary>
    private const int ItemsMax = 100_000;

    public static void AddTo(CelFunctions functions)
    {
        functions.Add("list(A)::isSorted() bool", a => !Items(a[0]).Zip(Items(a[0]).Skip(1)).Any(p => CelValues.Compare(p.First, p.Second) > 0));
        functions.Add("list(int)::sum() int", a => Sum(a[0], 0L));
        functions.Add("list(uint)::sum() uint", a => Sum(a[0], 0UL));
        functions.Add("list(double)::sum() double", a => Sum(a[0], 0.0));
        functions.Add("list(duration)::sum() duration", a => Sum(a[0], TimeSpan.Zero));
        functions.Add("list(A)::min() A", a => Extreme(a[0], "min", -1));
        functions.Add("list(A)::max() A", a => Extreme(a[0], "max", 1));
        functions.Add("list(A)::indexOf(A) int", a => (long)Items(a[0]).ToList().FindIndex(i => CelValues.AreEqual(i, a[1])));
        functions.Add("list(A)::lastIndexOf(A) int", a => (long)Items(a[0]).ToList().FindLastIndex(i => CelValues.AreEqual(i, a[1])));
        functions.Add("list(A)::first() optional(A)", a => Items(a[0]) is [var first, ..] ? CelOptional.Of(first) : CelOptional.None);
        functions.Add("list(A)::last() optional(A)", a => Items(a[0]) is [.., var last] ? CelOptional.Of(last) : CelOptional.None);
        functions.Add("list(A)::slice(int, int) list(A)", a => Slice(Items(a[0]), (long)a[1]!, (long)a[2]!));
        functions.Add("list(A)::reverse() list(A)", a => new JsonList(Items(a[0]).Reverse()));
        functions.Add("list(A)::sort() list(A)", a => new JsonList(Items(a[0]).OrderBy(i => i, Comparer<object?>.Create((x, y) => CelValues.Compare(x, y) ?? 0))));
        functions.Add("list(A)::distinct() list(A)", a => Distinct(Items(a[0])));
        functions.Add("list(A)::flatten() list(dyn)", a => Flatten(Items(a[0]), 1));
        functions.Add("list(A)::flatten(int) list(dyn)", a => Flatten(Items(a[0]), (long)a[1]!));
        functions.Add("lists.range(int) list(int)", a => (long)a[0]! <= ItemsMax ? new JsonList(Enumerable.Range(0, (int)Math.Max(0, (long)a[0]!)).Select(i => (object?)(long)i)) : throw CelException.BudgetSpent());
        functions.Add("sets.contains(list(A), list(A)) bool", a => Items(a[1]).All(i => Contains(a[0], i)));
        functions.Add("sets.intersects(list(A), list(A)) bool", a => Items(a[1]).Any(i => Contains(a[0], i)));
        functions.Add("sets.equivalent(list(A), list(A)) bool", a => Items(a[1]).All(i => Contains(a[0], i)) && Items(a[0]).All(i => Contains(a[1], i)));
    }

    private static IReadOnlyList<object?> Items(object? list) => (IReadOnlyList<object?>)list!;

    private static bool Contains(object? list, object? item) => Items(list).Any(i => CelValues.AreEqual(i, item));

    private static object Sum(object? list, object zero)
    {
        var sum = zero;
        foreach (var item in Items(list))
        {
            try
            {
                sum = (sum, item) switch
                {
                    (long a, long b) => checked(a + b),
                    (ulong a, ulong b) => checked(a + b),
                    (double a, double b) => a + b,
                    (TimeSpan a, TimeSpan b) => (object)(a + b),
                    // A list that is dyn at compile time decides by its first item.
                    (0L, ulong or double or TimeSpan) => item,
                    _ => throw CelException.NoSuchOverload(),
                };
            }
            catch (OverflowException)
            {
                throw new CelException("integer overflow");
            }
        }
        return sum;
    }

    private static object? Extreme(object? list, string name, int sign)
    {
        var items = Items(list);
        if (items.Count == 0)
            throw new CelException($"{name} called on empty list");
        return items.Aggregate((best, item) => CelValues.Compare(item, best) * sign > 0 ? item : best);
    }

    private static JsonList Slice(IReadOnlyList<object?> items, long start, long end)
    {
        if (start < 0 || end < 0)
            throw new CelException($"cannot slice({start}, {end}), negative indexes not supported");
        if (start > end)
            throw new CelException($"cannot slice({start}, {end}), start index must be less than or equal to end index");
        return items.Count < end ? throw new CelException($"cannot slice({start}, {end}), list is length {items.Count}") : new JsonList(items.Skip((int)start).Take((int)(end - start)));
    }

    private static JsonList Distinct(IReadOnlyList<object?> items)
    {
        var result = new JsonList();
        foreach (var item in items)
        {
            if (!result.Exists(r => CelValues.AreEqual(r, item)))
                result.Add(item);
        }
        return result;
    }

    private static JsonList Flatten(IReadOnlyList<object?> items, long depth)
    {
        if (depth < 0)
            throw new CelException("level must be non-negative");
        var result = new JsonList();
        foreach (var item in items)
        {
            if (item is IReadOnlyList<object?> inner && depth > 0)
                result.AddRange(Flatten(inner, depth - 1));
            else
                result.Add(item);
            if (result.Count > ItemsMax)
                throw CelException.BudgetSpent();
        }
        return result;
    }
}

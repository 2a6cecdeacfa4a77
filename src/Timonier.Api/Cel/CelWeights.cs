using Timonier.Api.Json;

namespace Timonier.Api.Cel;

/// <summary>
/// How large the lists and maps of one evaluation are when written out. A list that holds another eight times, which holds another eight times, costs little to make and is
/// endless to compare, print or encode: what is made may not weigh more than the whole budget of a call. Not thread-safe.
/// </summary>
internal sealed class CelWeights
{
    private const long Max = CelBudget.PerCall;

    /// <summary>What is lighter is weighed again rather than remembered.</summary>
    private const long RememberedMin = 16;

    private readonly Dictionary<object, long> _known = new(ReferenceEqualityComparer.Instance);

    /// <summary>In the budget's units: one for an entry, one for ten characters. Of what is not known, without what it holds.</summary>
    public long Of(object? value) => value switch
    {
        string text => text.Length / 10,
        byte[] bytes => bytes.Length / 10,
        IReadOnlyList<object?> list => _known.TryGetValue(list, out var known) ? known : list.Count,
        JsonMap map => _known.TryGetValue(map, out var known) ? known : map.Count,
        CelMap map => _known.TryGetValue(map, out var known) ? known : map.Count,
        _ => 0,
    };

    /// <summary>Of what an expression has just made.</summary>
    /// <exception cref="CelException">The budget is spent: too heavy.</exception>
    public T Made<T>(T value)
    {
        if (value is IReadOnlyList<object?> or JsonMap or CelMap or CelOptional)
            Deep(value);
        return value;
    }

    private long Deep(object? value)
    {
        switch (value)
        {
            case CelOptional optional:
                return Deep(optional.Value);
            case IReadOnlyList<object?> or JsonMap or CelMap when !_known.ContainsKey(value):
                break;
            default:
                return Of(value);
        }
        var weight = Of(value);
        switch (value)
        {
            case IReadOnlyList<object?> list:
                foreach (var item in list)
                    weight = Sum(weight, Deep(item));
                break;
            case JsonMap map:
                foreach (var (_, item) in map)
                    weight = Sum(weight, Deep(item));
                break;
            case CelMap map:
                foreach (var (key, item) in map.Items)
                    weight = Sum(Sum(weight, Of(key)), Deep(item));
                break;
        }
        if (weight >= RememberedMin)
            _known[value] = weight;
        return weight;
    }

    private static long Sum(long a, long b) => a + b <= Max ? a + b : throw CelException.BudgetSpent();
}

using System.Buffers;
using System.Globalization;
using System.Text;

namespace Timonier.Api;

/// <summary>Durations in Go's text form ("1h2m3.5s", "300ms"), to 100 ns, the resolution of <see cref="TimeSpan"/>.</summary>
public static class GoDuration
{
    /// <summary>The longest suffixes first, so that "ms" is not read as "m".</summary>
    private static readonly (string Unit, decimal Ticks)[] Units =
        [("ns", 0.01m), ("us", 10m), ("µs", 10m), ("ms", 10_000m), ("s", 10_000_000m), ("m", 600_000_000m), ("h", 36_000_000_000m)];

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan value)
    {
        value = default;
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
            rest = rest[1..];
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;
        var ticks = 0m;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            rest = rest[digits..];
            var factor = 0m;
            foreach (var (unit, unitTicks) in Units)
            {
                if (!rest.StartsWith(unit))
                    continue;
                factor = unitTicks;
                rest = rest[unit.Length..];
                break;
            }
            // Go's durations end at 2^63 nanoseconds, about 292 years.
            if (factor == 0 || number > long.MaxValue / 100 / factor || (ticks += number * factor) > long.MaxValue / 100)
                return false;
        }
        value = TimeSpan.FromTicks((long)(negative ? -ticks : ticks));
        return true;
    }

    public static string Format(TimeSpan value)
    {
        if (value == TimeSpan.Zero)
            return "0s";
        var text = new StringBuilder();
        if (value < TimeSpan.Zero)
            text.Append('-');
        var ticks = Math.Abs(value.Ticks);
        if (ticks < TimeSpan.TicksPerSecond)
        {
            var (unit, size) = ticks < 10 ? ("ns", 0.01m) : ticks < 10_000 ? ("µs", 10m) : ("ms", 10_000m);
            return text.Append((ticks / size).ToString("0.######", CultureInfo.InvariantCulture)).Append(unit).ToString();
        }
        var hours = ticks / TimeSpan.TicksPerHour;
        var minutes = ticks / TimeSpan.TicksPerMinute % 60;
        if (hours > 0)
            text.Append(CultureInfo.InvariantCulture, $"{hours}h");
        if (hours > 0 || minutes > 0)
            text.Append(CultureInfo.InvariantCulture, $"{minutes}m");
        var seconds = ticks % TimeSpan.TicksPerMinute / (decimal)TimeSpan.TicksPerSecond;
        return text.Append(seconds.ToString("0.#######", CultureInfo.InvariantCulture)).Append('s').ToString();
    }
}

using System.Globalization;
using Timonier.Api;

namespace Timonier.Controllers.CronJobs;

/// <summary>
/// A cron schedule: five fields (minute, hour, day of month, month, day of week) with lists, ranges, steps and names, a macro
/// (@hourly, ...) or "@every DURATION". As in cron, a day matches by month day or week day when both are restricted.
/// Immutable.
/// </summary>
internal sealed class CronSchedule
{
    /// <summary>How far ahead a match is looked for; what has none (31 February) never fires.</summary>
    private const int YearsMax = 5;

    private static readonly string[] Months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    private static readonly string[] Weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    private readonly ulong _minutes, _hours, _days, _months, _weekdays;
    private readonly bool _anyDay, _anyWeekday;
    private readonly TimeSpan? _every;

    private CronSchedule(TimeSpan every) => _every = every;

    private CronSchedule(string[] fields)
    {
        _minutes = Field(fields[0], 0, 59, []);
        _hours = Field(fields[1], 0, 23, []);
        _days = Field(fields[2], 1, 31, []);
        _months = Field(fields[3], 1, 12, Months);
        _weekdays = Field(fields[4], 0, 6, Weekdays);
        (_anyDay, _anyWeekday) = (IsStar(fields[2]), IsStar(fields[4]));
    }

    /// <exception cref="FormatException">Not a schedule; the message says why.</exception>
    public static CronSchedule Parse(string text)
    {
        text = text.Trim();
        if (text.StartsWith("@every ", StringComparison.Ordinal))
            return GoDuration.TryParse(text["@every ".Length..], out var every) ? new(every < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : every) : throw new FormatException($"failed to parse duration {text}");
        text = text switch
        {
            "@yearly" or "@annually" => "0 0 1 1 *", "@monthly" => "0 0 1 * *", "@weekly" => "0 0 * * 0", "@daily" or "@midnight" => "0 0 * * *", "@hourly" => "0 * * * *",
            _ when text.StartsWith('@') => throw new FormatException($"unrecognized descriptor: {text}"), _ => text,
        };
        var fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return fields.Length == 5 ? new(fields) : throw new FormatException($"expected exactly 5 fields, found {fields.Length}: [{string.Join(' ', fields)}]");
    }

    /// <summary>The first time after the given one, by the clock on the wall of the zone; null when there is none.</summary>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        if (_every is { } every)
            return new DateTimeOffset(after.UtcTicks - (after.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero) + every;
        var time = new DateTimeOffset(after.UtcTicks - (after.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero).AddMinutes(1);
        for (var end = after.AddYears(YearsMax); time <= end;)
        {
            // Steps are taken in real time and looked at on the wall: an hour that comes twice fires twice, one that is skipped does not.
            var wall = TimeZoneInfo.ConvertTime(time, zone);
            if (!Has(_months, wall.Month) || !DayMatches(wall))
            {
                // Not quite to midnight: a change of the clock may make the day shorter.
                var left = TimeSpan.FromDays(1) - wall.TimeOfDay;
                time += left > TimeSpan.FromHours(3) ? left - TimeSpan.FromHours(3) : TimeSpan.FromMinutes(60 - wall.Minute);
            }
            else if (!Has(_hours, wall.Hour))
                time = time.AddMinutes(60 - wall.Minute);
            else if (!Has(_minutes, wall.Minute))
                time = time.AddMinutes(1);
            else
                return time;
        }
        return null;
    }

    private bool DayMatches(DateTimeOffset wall)
    {
        var (day, weekday) = (Has(_days, wall.Day), Has(_weekdays, (int)wall.DayOfWeek));
        return _anyDay || _anyWeekday ? day && weekday : day || weekday;
    }

    private static bool Has(ulong set, int value) => (set & (1UL << value)) != 0;

    private static bool IsStar(string field) => field.Split(',').Any(part => part is "*" or "?" or "*/1");

    private static ulong Field(string field, int min, int max, string[] names)
    {
        var set = 0UL;
        foreach (var part in field.Split(',', StringSplitOptions.RemoveEmptyEntries))
            set |= Range(part, min, max, names);
        return set == 0 ? throw new FormatException($"empty field: {field}") : set;
    }

    /// <summary>"*", "5", "1-5", each with "/step"; "5/15" goes on to the end.</summary>
    private static ulong Range(string text, int min, int max, string[] names)
    {
        var parts = text.Split('/');
        var ends = parts[0].Split('-');
        if (parts.Length > 2 || ends.Length > 2)
            throw new FormatException($"too many {(parts.Length > 2 ? "slashes" : "hyphens")}: {text}");
        var star = ends is ["*" or "?"];
        var first = star ? min : Number(ends[0], min, names);
        var last = star ? max : ends.Length == 2 ? Number(ends[1], min, names) : parts.Length == 2 ? max : first;
        var step = parts.Length == 2 ? Number(parts[1], 0, []) : 1;
        if (first < min)
            throw new FormatException($"beginning of range ({first}) below minimum ({min}): {text}");
        if (last > max)
            throw new FormatException($"end of range ({last}) above maximum ({max}): {text}");
        if (first > last)
            throw new FormatException($"beginning of range ({first}) beyond end of range ({last}): {text}");
        if (step == 0)
            throw new FormatException($"step of range should be a positive number: {text}");
        var set = 0UL;
        for (var value = first; value <= last; value += step)
            set |= 1UL << value;
        return set;
    }

    private static int Number(string text, int min, string[] names)
    {
        var name = Array.FindIndex(names, n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (name >= 0)
            return name + min;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax");
    }
}

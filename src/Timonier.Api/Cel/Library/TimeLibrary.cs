using System.Globalization;

namespace Timonier.Api.Cel.Library;

/// <summary>The parts of timestamps, in UTC or a zone, and of durations.</summary>
internal static class TimeLibrary
{
    public static void AddTo(CelFunctions functions)
    {
        Part(functions, "getFullYear", t => t.Year);
        Part(functions, "getMonth", t => t.Month - 1);
        Part(functions, "getDayOfYear", t => t.DayOfYear - 1);
        Part(functions, "getDayOfMonth", t => t.Day - 1);
        Part(functions, "getDate", t => t.Day);
        Part(functions, "getDayOfWeek", t => (int)t.DayOfWeek);
        Part(functions, "getHours", t => t.Hour);
        Part(functions, "getMinutes", t => t.Minute);
        Part(functions, "getSeconds", t => t.Second);
        Part(functions, "getMilliseconds", t => t.Millisecond);
        functions.Add("duration::getHours() int", a => (long)((TimeSpan)a[0]!).TotalHours);
        functions.Add("duration::getMinutes() int", a => (long)((TimeSpan)a[0]!).TotalMinutes);
        functions.Add("duration::getSeconds() int", a => (long)((TimeSpan)a[0]!).TotalSeconds);
        functions.Add("duration::getMilliseconds() int", a => (long)((TimeSpan)a[0]!).Milliseconds);
    }

    private static void Part(CelFunctions functions, string name, Func<DateTimeOffset, int> part)
    {
        functions.Add($"timestamp::{name}() int", a => (long)part(((DateTimeOffset)a[0]!).ToUniversalTime()));
        functions.Add($"timestamp::{name}(string) int", a => (long)part(InZone((DateTimeOffset)a[0]!, (string)a[1]!)));
    }

    /// <param name="zone">A name of the zone database, or an offset: "-08:00".</param>
    private static DateTimeOffset InZone(DateTimeOffset time, string zone)
    {
        var sign = zone.StartsWith('-') ? -1 : 1;
        if (TimeSpan.TryParseExact(zone.TrimStart('-', '+'), @"hh\:mm", CultureInfo.InvariantCulture, out var offset) && offset <= TimeSpan.FromHours(14))
            return time.ToOffset(sign * offset);
        return TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) ? TimeZoneInfo.ConvertTime(time, found) : throw new CelException($"unknown time zone {zone}");
    }
}

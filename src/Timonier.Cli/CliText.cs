using System.Globalization;
using Timonier.Api;

namespace Timonier.Cli;

/// <summary>Small texts that several commands read or write.</summary>
internal static class CliText
{
    /// <summary>"5s", "2m", or bare seconds.</summary>
    public static TimeSpan Duration(string text, string flag)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds))
            return TimeSpan.FromSeconds(seconds);
        return GoDuration.TryParse(text, out var value) ? value
            : throw new CliException($"invalid argument \"{text}\" for \"{flag}\" flag: time: invalid duration \"{text}\"");
    }

    /// <summary>How long ago, in at most two units, as kubectl's AGE column.</summary>
    public static string Age(TimeSpan span)
    {
        if (span < TimeSpan.FromSeconds(-1))
            return "<invalid>";
        if (span < TimeSpan.Zero)
            return "0s";
        var (seconds, minutes, hours, days) = ((long)span.TotalSeconds, (long)span.TotalMinutes, (long)span.TotalHours, (long)span.TotalDays);
        if (seconds < 120)
            return $"{seconds}s";
        if (minutes < 10)
            return seconds % 60 == 0 ? $"{minutes}m" : $"{minutes}m{seconds % 60}s";
        if (minutes < 180)
            return $"{minutes}m";
        if (hours < 8)
            return minutes % 60 == 0 ? $"{hours}h" : $"{hours}h{minutes % 60}m";
        if (hours < 48)
            return $"{hours}h";
        if (days < 8)
            return hours % 24 == 0 ? $"{days}d" : $"{days}d{hours % 24}h";
        if (days < 730)
            return $"{days}d";
        return days % 365 == 0 || days >= 8 * 365 ? $"{days / 365}y" : $"{days / 365}y{days % 365}d";
    }

    /// <summary>An object's RFC 3339 time as its age; "&lt;unknown&gt;" when there is none.</summary>
    public static string Age(object? time, DateTimeOffset now) =>
        time is string text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? Age(now - at) : "<unknown>";

    /// <summary>"deployment.apps", as kubectl names a kind in its messages.</summary>
    public static string KindName(string kind, string group) => group.Length == 0 ? kind.ToLowerInvariant() : $"{kind.ToLowerInvariant()}.{group}";
}

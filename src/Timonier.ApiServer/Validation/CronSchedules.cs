using System.Globalization;
using Timonier.Api;

namespace Timonier.ApiServer.Validation;

/// <summary>Is a text a cron schedule: five fields, or a word such as @daily? Says what is wrong in the words of upstream's parser.</summary>
internal static class CronSchedules
{
    private static readonly string[] Months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    private static readonly Field[] Fields = [new(0, 59, []), new(0, 23, []), new(1, 31, []), new(1, 12, Months), new(0, 6, Days)];

    private sealed record Field(int Min, int Max, string[] Words)
    {
        public int? Number(string text)
        {
            var word = Array.IndexOf(Words, text.ToLowerInvariant());
            return word >= 0 ? Min + word : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
    }

    /// <summary>Null when the schedule is fine.</summary>
    public static string? Fault(string schedule)
    {
        var text = schedule;
        if (text.StartsWith("TZ=", StringComparison.Ordinal) || text.StartsWith("CRON_TZ=", StringComparison.Ordinal))
            text = text[(text.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim();
        if (text.StartsWith('@'))
            return Word(text);
        var parts = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != Fields.Length)
            return $"expected exactly 5 fields, found {parts.Length}: [{string.Join(' ', parts)}]";
        for (var i = 0; i < parts.Length; i++)
        {
            foreach (var range in parts[i].Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (Range(range, Fields[i]) is { } fault)
                    return fault;
            }
        }
        return null;
    }

    private static string? Word(string text) => text switch
    {
        "@yearly" or "@annually" or "@monthly" or "@weekly" or "@daily" or "@midnight" or "@hourly" => null,
        _ when text.StartsWith("@every ", StringComparison.Ordinal) =>
            GoDuration.TryParse(text["@every ".Length..], out _) ? null : $"failed to parse duration {text}: time: invalid duration \"{text["@every ".Length..]}\"",
        _ => $"unrecognized descriptor: {text}",
    };

    private static string? Range(string expression, Field field)
    {
        var step = expression.Split('/');
        if (step.Length > 2)
            return $"too many slashes: {expression}";
        var ends = step[0].Split('-');
        if (ends.Length > 2)
            return $"too many hyphens: {expression}";
        int start, end;
        if (ends[0] is "*" or "?")
            (start, end) = (field.Min, field.Max);
        else
        {
            if (field.Number(ends[0]) is not { } first)
                return Unparsed(ends[0]);
            (start, end) = (first, step.Length == 2 && ends.Length == 1 ? field.Max : first);
            if (ends.Length == 2)
            {
                if (field.Number(ends[1]) is not { } last)
                    return Unparsed(ends[1]);
                end = last;
            }
        }
        var every = 1;
        if (step.Length == 2 && !int.TryParse(step[1], NumberStyles.None, CultureInfo.InvariantCulture, out every))
            return Unparsed(step[1]);
        return start < field.Min ? $"beginning of range ({start}) below minimum ({field.Min}): {expression}"
            : end > field.Max ? $"end of range ({end}) above maximum ({field.Max}): {expression}"
            : start > end ? $"beginning of range ({start}) beyond end of range ({end}): {expression}"
            : every == 0 ? $"step of range should be a positive number: {expression}"
            : null;
    }

    private static string Unparsed(string text) => $"failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax";
}

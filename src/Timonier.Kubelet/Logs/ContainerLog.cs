using System.Text;

namespace Timonier.Kubelet.Logs;

/// <summary>One line of a log in CRI format: <c>TIME STREAM TAG TEXT</c>, where tag P says that the line goes on in the next one.</summary>
internal readonly ref struct LogLine
{
    public required ReadOnlySpan<byte> Time { get; init; }
    public required ReadOnlySpan<byte> Stream { get; init; }
    public required bool IsPartial { get; init; }

    /// <summary>With its line end, unless the line is partial.</summary>
    public required ReadOnlySpan<byte> Text { get; init; }

    /// <param name="line">With its line end.</param>
    public static bool TryParse(ReadOnlySpan<byte> line, out LogLine result)
    {
        result = default;
        var afterTime = line.IndexOf((byte)' ');
        var afterStream = afterTime < 0 ? -1 : Next(line, afterTime);
        var afterTag = afterStream < 0 ? -1 : Next(line, afterStream);
        if (afterTag < 0)
            return false;
        var isPartial = line[afterStream + 1] == (byte)'P';
        var text = line[(afterTag + 1)..];
        result = new LogLine
        {
            Time = line[..afterTime],
            Stream = line[(afterTime + 1)..afterStream],
            IsPartial = isPartial,
            Text = isPartial && text.EndsWith("\n"u8) ? text[..^1] : text,
        };
        return true;
    }

    private static int Next(ReadOnlySpan<byte> line, int start)
    {
        var found = line[(start + 1)..].IndexOf((byte)' ');
        return found < 0 ? -1 : start + 1 + found;
    }
}

/// <summary>Reads a container's log file without following it.</summary>
internal static class ContainerLog
{
    /// <summary>The last lines, at most so many and so many characters, without times; empty when there is no file.</summary>
    public static string Tail(string path, int linesMax, int lengthMax)
    {
        if (!File.Exists(path))
            return "";
        using var file = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = TailPosition(file, linesMax);
        var text = new StringBuilder();
        using var reader = new StreamReader(file, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (LogLine.TryParse(Encoding.UTF8.GetBytes(line + "\n"), out var parsed))
                text.Append(Encoding.UTF8.GetString(parsed.Text));
        }
        return text.Length > lengthMax ? text.ToString(text.Length - lengthMax, lengthMax) : text.ToString();
    }

    /// <summary>Where the last <paramref name="lines"/> lines begin; 0 when there are fewer.</summary>
    public static long TailPosition(Stream file, long lines)
    {
        const int blockLength = 8192;
        var block = new byte[blockLength];
        var end = file.Length;
        // The line end of the last line does not begin a new one.
        var wanted = lines + 1;
        for (var position = end; position > 0;)
        {
            var length = (int)Math.Min(blockLength, position);
            position -= length;
            file.Position = position;
            file.ReadExactly(block, 0, length);
            for (var i = length - 1; i >= 0; i--)
            {
                if (block[i] == (byte)'\n' && --wanted == 0)
                    return position + i + 1;
            }
        }
        return 0;
    }
}

using System.Globalization;

namespace Timonier.Local;

/// <summary>
/// The process id of a running server, with the time the process started: a pid alone may long belong to another
/// program (a stale file after power loss).
/// </summary>
public sealed class PidFile(string path)
{
    /// <summary>Writes the current process.</summary>
    public void Write() => File.WriteAllText(path, $"{Environment.ProcessId} {StartTicks(Environment.ProcessId)}\n");

    public void Remove() => File.Delete(path);

    /// <summary>The running server's process id; null when there is none, the file then being stale or absent.</summary>
    public int? Running()
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        return text.Split(' ', StringSplitOptions.TrimEntries) is [var pid, var started]
            && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && started == StartTicks(id) && started.Length > 0 ? id : null;
    }

    /// <summary>Field 22 of /proc/PID/stat (proc(5)): when the process started, in clock ticks since boot. Empty when there is no such process, or only its zombie.</summary>
    private static string StartTicks(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The command's name stands in parentheses and may hold blanks; the fields after it do not.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? "" : fields[19];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return "";
        }
    }
}

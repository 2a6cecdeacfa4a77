using System.Globalization;

namespace Timonier.Bench;

/// <summary>CPU time that processes have used, from /proc/PID/stat (proc(5)): user and system ticks of 10 ms.</summary>
internal static class ServerCpu
{
    public static TimeSpan Of(int[] processes)
    {
        var ticks = 0L;
        foreach (var process in processes)
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            // The second field is a name in parentheses, with whatever in it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }
        return TimeSpan.FromMilliseconds(ticks * 10);
    }
}

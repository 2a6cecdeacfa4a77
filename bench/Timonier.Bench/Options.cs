using System.Globalization;

namespace Timonier.Bench;

/// <summary>What the command line says: URL TOKEN, then --NAME VALUE pairs.</summary>
internal sealed class Options(string[] arguments)
{
    public Uri Server { get; } = new(arguments[1]);

    public string Token { get; } = arguments[2];

    /// <summary>Processes whose CPU time counts as the server's.</summary>
    public int[] ServerProcesses { get; } = [.. Text(arguments, "--pids", "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => int.Parse(p, CultureInfo.InvariantCulture))];

    public string Text(string name, string otherwise) => Text(arguments, name, otherwise);

    public int Number(string name, int otherwise) => int.Parse(Text(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    private static string Text(string[] arguments, string name, string otherwise)
    {
        var at = Array.IndexOf(arguments, name);
        return at > 0 && at + 1 < arguments.Length ? arguments[at + 1] : otherwise;
    }
}

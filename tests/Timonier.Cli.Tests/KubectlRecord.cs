using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Timonier.Cli.Tests;

/// <summary>
/// What kubectl answers, so that no kubectl is needed to compare with it: recorded in Golden/NAME.txt. With TIMONIER_RECORD=1 the kubectl
/// on the PATH (1.32) is asked instead, against the same server, and its answers are recorded anew: read the diff.
/// </summary>
internal sealed partial class KubectlRecord(string name)
{
    private static readonly bool Recording = Environment.GetEnvironmentVariable("TIMONIER_RECORD") is { Length: > 0 };

    public static string Root { get; } = FindRoot();

    private readonly string _file = Path.Combine(Root, "tests/Timonier.Cli.Tests/Golden", name + ".txt");

    public async Task<CliResult> AskAsync(CliServer server, string title, string[] words, string input = "")
    {
        var answers = Read();
        if (Recording)
        {
            answers[title] = Stable(await KubectlAsync(server, words, input), server);
            Write(answers);
        }
        return answers.GetValueOrDefault(title) ?? throw new InvalidOperationException($"no answer of kubectl is recorded for \"{title}\": run this test with TIMONIER_RECORD=1");
    }

    /// <summary>Fails with the first lines that differ.</summary>
    public static void AssertSame(CliResult theirs, CliResult ours)
    {
        static string All(CliResult result) => $"{result.Out}{string.Concat(result.Error.Split('\n').Select(l => "! " + l + "\n"))}= {result.Code}";
        var (a, b) = (All(theirs).Split('\n'), All(ours).Split('\n'));
        var first = Enumerable.Range(0, Math.Min(a.Length, b.Length)).FirstOrDefault(i => a[i] != b[i], Math.Min(a.Length, b.Length));
        Assert.True(a.SequenceEqual(b), $"line {first + 1}, kubectl:\n{string.Join('\n', a.Skip(first).Take(6))}\n\nours:\n{string.Join('\n', b.Skip(first).Take(6))}");
    }

    /// <summary>Without what differs from run to run: times, ids, revisions, folders.</summary>
    public static CliResult Stable(CliResult result, CliServer server) => new(result.Code, Stable(result.Out, server), Stable(result.Error, server));

    private static string Stable(string text, CliServer server)
    {
        text = text.Replace(server.Directory, "DIR", StringComparison.Ordinal).Replace(server.Address, "SERVER", StringComparison.Ordinal);
        text = Times().Replace(Revisions().Replace(Ids().Replace(text, "UID"), "$1REVISION"), "TIME");
        // Column widths hang on the age.
        return Ages().Replace(text, "AGE");
    }

    [GeneratedRegex(@"\b\d+s( ago)?\b *")]
    private static partial Regex Ages();

    [GeneratedRegex(@"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")]
    private static partial Regex Ids();

    [GeneratedRegex("""(resourceVersion"?: *"?)\d+""")]
    private static partial Regex Revisions();

    [GeneratedRegex(@"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")]
    private static partial Regex Times();

    private static async Task<CliResult> KubectlAsync(CliServer server, string[] words, string input)
    {
        var start = new ProcessStartInfo("kubectl", ["--cache-dir=" + server.Directory, .. words])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = server.Directory,
        };
        start.Environment["KUBECONFIG"] = Path.Combine(server.Directory, "config");
        start.Environment["TZ"] = "UTC";
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new CliResult(process.ExitCode, output, await error);
    }

    // A record is "$ title", the lines of output ("| "), of errors ("! "), and the exit status ("= "); "|+" and "!+" end without a line break.
    private SortedDictionary<string, CliResult> Read()
    {
        var answers = new SortedDictionary<string, CliResult>(StringComparer.Ordinal);
        if (!File.Exists(_file))
            return answers;
        var (title, output, error) = ("", new StringBuilder(), new StringBuilder());
        foreach (var line in File.ReadLines(_file))
        {
            if (line.StartsWith("$ ", StringComparison.Ordinal))
                (title, output, error) = (line[2..], new StringBuilder(), new StringBuilder());
            else if (line.StartsWith("= ", StringComparison.Ordinal))
                answers[title] = new CliResult(line[2] - '0', output.ToString(), error.ToString());
            else
                (line[0] == '|' ? output : error).Append(line.AsSpan(2)).Append(line[1] == '+' ? "" : "\n");
        }
        return answers;
    }

    private void Write(SortedDictionary<string, CliResult> answers)
    {
        static IEnumerable<string> Lines(char mark, string text)
        {
            var lines = text.Split('\n');
            return lines.Select((line, i) => i == lines.Length - 1 ? $"{mark}+{line}" : $"{mark} {line}").Where((line, i) => i < lines.Length - 1 || line.Length > 2);
        }
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        File.WriteAllLines(_file, answers.SelectMany(a => (string[])[$"$ {a.Key}", .. Lines('|', a.Value.Out), .. Lines('!', a.Value.Error), $"= {a.Value.Code}"]));
    }

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Timonier.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("Timonier.slnx is in no folder above the test");
        return directory;
    }
}

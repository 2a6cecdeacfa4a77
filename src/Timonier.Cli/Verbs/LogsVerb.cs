using System.CommandLine;
using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl logs.</summary>
internal sealed class LogsVerb(CliShell shell)
{
    /// <summary>Lines longer than this are passed on in pieces.</summary>
    private const int BufferBytes = 64 * 1024;

    private readonly Argument<string[]> _words = new("pod") { Arity = ArgumentArity.ZeroOrMore, Description = "(POD | TYPE/NAME) [CONTAINER]" };
    private readonly Option<string?> _container = new("--container", "-c") { Description = "Print the logs of this container" };
    private readonly Option<string?> _selector = new("--selector", "-l") { Description = "Selector (label query) to filter on." };
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Specify if the logs should be streamed." };
    private readonly Option<bool> _previous = new("--previous", "-p") { Description = "If true, print the logs for the previous instance of the container in a pod if it exists." };
    private readonly Option<bool> _timestamps = new("--timestamps") { Description = "Include timestamps on each line in the log output." };
    private readonly Option<bool> _allContainers = new("--all-containers") { Description = "Get all containers' logs in the pod(s)." };
    private readonly Option<bool> _allPods = new("--all-pods") { Description = "Get logs from all pod(s)." };
    private readonly Option<bool> _prefix = new("--prefix") { Description = "Prefix each log line with the log source." };
    private readonly Option<bool> _ignoreErrors = new("--ignore-errors") { Description = "If watching / following pod logs, allow for any errors that occur to be non-fatal." };
    private readonly Option<long> _tail = new("--tail") { DefaultValueFactory = _ => -1, Description = "Lines of recent log file to display." };
    private readonly Option<string?> _since = new("--since") { Description = "Only return logs newer than a relative duration like 5s, 2m, or 3h." };
    private readonly Option<string?> _sinceTime = new("--since-time") { Description = "Only return logs after a specific date (RFC3339)." };
    private readonly Option<long?> _limitBytes = new("--limit-bytes") { Description = "Maximum bytes of logs to return." };
    private readonly Option<int> _maxRequests = new("--max-log-requests") { DefaultValueFactory = _ => 5, Description = "Maximum number of concurrent logs to follow when using by a selector." };

    public Command Create() => shell.Verb("logs", "Print the logs for a container in a pod", RunAsync,
        _words, _container, _selector, _follow, _previous, _timestamps, _allContainers, _allPods, _prefix, _ignoreErrors, _tail, _since, _sinceTime, _limitBytes, _maxRequests);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var sources = await SourcesAsync(call, cancel);
        if (!call.Get(_follow))
        {
            foreach (var (pod, container) in sources)
                await CopyAsync(call, pod, container, null, cancel);
            return 0;
        }
        if (sources.Count > call.Get(_maxRequests))
            throw new CliException($"you are attempting to follow {sources.Count} log streams, but maximum allowed concurrency is {call.Get(_maxRequests)}, use --max-log-requests to increase the limit");
        using var gate = new SemaphoreSlim(1);
        await Task.WhenAll(sources.Select(s => CopyAsync(call, s.Pod, s.Container, gate, cancel)));
        return 0;
    }

    private static async Task<JsonMap> FindAsync(CliCall call, string word, CancellationToken cancel)
    {
        try
        {
            return await PodTarget.FindAsync(call, word, cancel);
        }
        catch (Api.Errors.ApiException e) when (e.IsNotFound && !word.Contains('/'))
        {
            throw new CliException($"error from server (NotFound): {e.Message} in namespace \"{call.Namespace}\"");
        }
    }

    private async Task<List<(JsonMap Pod, string Container)>> SourcesAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        IReadOnlyList<JsonMap> pods;
        if (call.Get(_selector) is { Length: > 0 } selector)
        {
            pods = (await call.Cluster.Client.ListTreesAsync(PodTarget.Pods, call.Namespace, new ListOptions { LabelSelector = selector }, cancel)).Items;
            if (pods.Count == 0)
                call.Error.WriteLine($"No resources found in {call.Namespace} namespace.");
        }
        else if (words.Length == 0)
            throw new CliException("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command");
        else if (call.Get(_allPods))
            pods = await PodTarget.FindAllAsync(call, words[0], cancel);
        else
            pods = [await FindAsync(call, words[0], cancel)];
        var given = call.Get(_container) ?? (words.Length > 1 ? words[1] : null);
        var sources = new List<(JsonMap, string)>();
        foreach (var pod in pods)
        {
            if (call.Get(_allContainers))
                sources.AddRange(PodTarget.Containers(pod, "initContainers", "containers", "ephemeralContainers").Select(c => (pod, c)));
            else
                sources.Add((pod, PodTarget.Container(call, pod, given, quiet: false)));
        }
        return sources;
    }

    private string Query(CliCall call, string container)
    {
        // By a selector, kubectl shows the last ten lines of each.
        var tail = call.Get(_tail) >= 0 ? call.Get(_tail) : call.Get(_selector) is { Length: > 0 } ? 10 : -1;
        return QueryText.Of(
            ("container", container), ("follow", call.Get(_follow) ? "true" : null), ("previous", call.Get(_previous) ? "true" : null), ("timestamps", call.Get(_timestamps) ? "true" : null),
            ("tailLines", tail >= 0 ? tail.ToString(CultureInfo.InvariantCulture) : null), ("limitBytes", call.Get(_limitBytes)?.ToString(CultureInfo.InvariantCulture)),
            ("sinceSeconds", call.Get(_since) is { Length: > 0 } since ? ((long)Math.Ceiling(CliText.Duration(since, "--since").TotalSeconds)).ToString(CultureInfo.InvariantCulture) : null),
            ("sinceTime", call.Get(_sinceTime)));
    }

    /// <param name="gate">Held while a piece is written, so that lines of several streams do not mix; null for a single one.</param>
    private async Task CopyAsync(CliCall call, JsonMap pod, string container, SemaphoreSlim? gate, CancellationToken cancel)
    {
        var (place, name) = ((string)pod.GetPath("metadata", "namespace")!, (string)pod.GetPath("metadata", "name")!);
        try
        {
            var request = new ApiRequest { Method = "GET", Path = ResourcePath.For(PodTarget.Pods, place, name, "log"), Query = Query(call, container), Accept = "*/*" };
            await using var stream = await call.Cluster.Transport.OpenAsync(request, cancel);
            var prefix = call.Get(_prefix) ? System.Text.Encoding.UTF8.GetBytes($"[pod/{name}/{container}] ") : [];
            await CopyLinesAsync(stream, call.Environment.OutBytes, prefix, gate, cancel);
        }
        catch (ApiException e) when (call.Get(_ignoreErrors))
        {
            call.Error.WriteLine(CliShell.Describe(e, call));
        }
    }

    private static async Task CopyLinesAsync(Stream from, Stream to, byte[] prefix, SemaphoreSlim? gate, CancellationToken cancel)
    {
        var buffer = new byte[BufferBytes];
        var (held, lineStart) = (0, true);
        int count;
        while ((count = await from.ReadAsync(buffer.AsMemory(held), cancel)) > 0 || held > 0)
        {
            held += count;
            var whole = count == 0 || held == buffer.Length ? held : buffer.AsSpan(0, held).LastIndexOf((byte)'\n') + 1;
            // Whole lines only, unless there is one stream alone and nothing to put before a line.
            if (gate is null && prefix.Length == 0)
                whole = held;
            if (whole == 0)
                continue;
            if (gate is not null)
                await gate.WaitAsync(cancel);
            try
            {
                lineStart = await WriteAsync(to, buffer.AsMemory(0, whole), prefix, lineStart, cancel);
                await to.FlushAsync(cancel);
            }
            finally
            {
                gate?.Release();
            }
            buffer.AsSpan(whole, held - whole).CopyTo(buffer);
            held -= whole;
        }
    }

    private static async ValueTask<bool> WriteAsync(Stream to, ReadOnlyMemory<byte> text, byte[] prefix, bool lineStart, CancellationToken cancel)
    {
        if (prefix.Length == 0)
        {
            await to.WriteAsync(text, cancel);
            return true;
        }
        while (!text.IsEmpty)
        {
            if (lineStart)
                await to.WriteAsync(prefix, cancel);
            var end = text.Span.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..(end + 1)];
            await to.WriteAsync(line, cancel);
            text = text[line.Length..];
            lineStart = end >= 0;
        }
        return lineStart;
    }
}

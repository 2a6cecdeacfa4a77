using System.CommandLine;
using System.CommandLine.Parsing;
using Timonier.Cli.Streams;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl exec and kubectl attach.</summary>
internal sealed class ExecVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("pod") { Arity = ArgumentArity.OneOrMore, Description = "(POD | TYPE/NAME) -- COMMAND [args...]" };
    private readonly Option<string?> _container = new("--container", "-c") { Description = "Container name." };
    private readonly Option<bool> _stdin = new("--stdin", "-i") { Description = "Pass stdin to the container." };
    private readonly Option<bool> _tty = new("--tty", "-t") { Description = "Stdin is a TTY." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Only print output from the remote session." };
    private readonly Option<string?> _timeout = new("--pod-running-timeout") { Description = "The length of time to wait until at least one pod is running." };

    public Command Exec() => shell.Verb("exec", "Execute a command in a container", ExecAsync, _words, _container, _stdin, _tty, _quiet, _timeout);

    public Command Attach() => shell.Verb("attach", "Attach to a running container", AttachAsync, _words, _container, _stdin, _tty, _quiet, _timeout);

    private async Task<int> ExecAsync(CliCall call, CancellationToken cancel)
    {
        var words = call.Get(_words);
        if (words.Length < 2)
            throw new CliException("you must specify at least one command for the container");
        var pod = await PodTarget.FindAsync(call, words[0], cancel);
        var container = PodTarget.Container(call, pod, call.Get(_container), call.Get(_quiet));
        var command = string.Concat(words.Skip(1).Select(w => "&command=" + Uri.EscapeDataString(w)));
        return await RunAsync(call, pod, "exec", container, command, cancel);
    }

    private async Task<int> AttachAsync(CliCall call, CancellationToken cancel)
    {
        var pod = await PodTarget.FindAsync(call, call.Get(_words)[0], cancel);
        return await RunAsync(call, pod, "attach", PodTarget.Container(call, pod, call.Get(_container), call.Get(_quiet)), "", cancel);
    }

    private async Task<int> RunAsync(CliCall call, Api.Json.JsonMap pod, string subresource, string container, string command, CancellationToken cancel)
    {
        var (stdin, tty) = (call.Get(_stdin), call.Get(_tty));
        if (tty && Console.IsInputRedirected && stdin)
        {
            call.Error.WriteLine("Unable to use a TTY - input is not a terminal or the right kind of file");
            tty = false;
        }
        var code = await StreamAsync(call, (string)pod.GetPath("metadata", "namespace")!, (string)pod.GetPath("metadata", "name")!, subresource, container, command, stdin, tty, cancel);
        if (code != 0)
            call.Error.WriteLine($"command terminated with exit code {code}");
        return code;
    }

    internal static Task<int> StreamAsync(CliCall call, string @namespace, string pod, string subresource, string container, string command, bool stdin, bool tty, CancellationToken cancel)
    {
        var query = $"container={Uri.EscapeDataString(container)}{command}&stdin={Flag(stdin)}&stdout=true&stderr={Flag(!tty)}&tty={Flag(tty)}";
        var environment = call.Environment;
        return RemoteProcess.RunAsync(call.Cluster, ResourcePath.For(PodTarget.Pods, @namespace, pod, subresource), query,
            stdin ? environment.In : null, environment.OutBytes, new TextStream(environment.Error), tty, cancel);
    }

    private static string Flag(bool value) => value ? "true" : "false";
}

using System.CommandLine;
using Timonier.Api.Errors;
using Timonier.Cli.Config;

namespace Timonier.Cli;

/// <summary>Makes commands: gives each the flags that all have, and turns what goes wrong into kubectl's words and exit status.</summary>
internal sealed class CliShell(CliEnvironment environment)
{
    public CliEnvironment Environment => environment;

    public GlobalFlags Flags { get; } = new();

    /// <summary>A verb that talks to a cluster.</summary>
    public Command Verb(string name, string description, Func<CliCall, CancellationToken, Task<int>> run, params Symbol[] symbols)
    {
        var command = Group(name, description, symbols);
        command.SetAction((parsed, cancel) => RunAsync(new CliCall(parsed, this), run, cancel));
        return command;
    }

    /// <summary>A verb that only holds others.</summary>
    public static Command Group(string name, string description, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Option option: command.Options.Add(option); break;
                case Argument argument: command.Arguments.Add(argument); break;
                case Command sub: command.Subcommands.Add(sub); break;
            }
        }
        return command;
    }

    private async Task<int> RunAsync(CliCall call, Func<CliCall, CancellationToken, Task<int>> run, CancellationToken cancel)
    {
        using (call)
        {
            try
            {
                return await run(call, cancel);
            }
            catch (ApiException e)
            {
                environment.Error.WriteLine(Describe(e, call));
                return 1;
            }
            catch (CliException e)
            {
                environment.Error.WriteLine(e.Message.Length > 0 && e.ExitCode == 1 && !e.Message.StartsWith("Error", StringComparison.Ordinal) ? "error: " + e.Message : e.Message);
                return e.ExitCode;
            }
            catch (IOException e)
            {
                environment.Error.WriteLine("error: " + e.Message);
                return 1;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                // 128 + SIGINT, as shells have it.
                return 130;
            }
        }
    }

    /// <summary>As kubectl tells of a server's refusal.</summary>
    public static string Describe(ApiException error, CliCall call)
    {
        if (error.InnerException is HttpRequestException)
            return $"The connection to the server {call.Cluster.Connection.Options.Server.Authority} was refused - did you specify the right host or port?";
        if (error.Code == 401)
            return "error: You must be logged in to the server (Unauthorized)";
        // A validation's message begins with the kind: "Pod "x" is invalid: ...".
        if (error.IsInvalid)
            return error.Details?.GetString("kind") is { Length: > 0 } ? $"The {error.Message}" : $"The request is invalid: {error.Message}";
        return error.Reason.Length > 0 ? $"Error from server ({error.Reason}): {error.Message}" : $"Error from server: {error.Message}";
    }
}

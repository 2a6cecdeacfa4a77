using System.CommandLine;
using System.CommandLine.Parsing;

namespace Timonier.Cli;

/// <summary>What is wrong with a command line, in kubectl's words.</summary>
public static class UsageFault
{
    /// <summary>A message of one or more lines; null when the line can be run.</summary>
    public static string? Of(ParseResult parsed)
    {
        // Help and version answer for themselves, however wrong the rest is.
        if (parsed.Action is System.CommandLine.Help.HelpAction or { Terminating: true, ClearsParseErrors: true })
            return null;
        if (UnknownFlag(parsed) is { } flag)
            return $"error: {flag}\n{See(parsed)}";
        var error = parsed.Errors.Count > 0 ? parsed.Errors[0] : null;
        if (error is null)
            return null;
        if (parsed.CommandResult.Command is { Subcommands.Count: > 0 } group && group.Action is null)
            return parsed.UnmatchedTokens.Count > 0 ? UnknownCommand(parsed, parsed.UnmatchedTokens[0]) : null;
        var missing = parsed.CommandResult.Command.Options.Where(o => o.Required && parsed.GetResult(o) is not { Implicit: false }).Select(o => $"\"{o.Name.TrimStart('-')}\"").ToList();
        if (missing.Count > 0)
            return $"error: required flag(s) {string.Join(", ", missing)} not set\n{See(parsed)}";
        return error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0 } option => $"error: flag needs an argument: {Needs(option)}\n{See(parsed)}",
            OptionResult option => $"error: invalid argument \"{option.Tokens[^1].Value}\" for \"{option.Option.Name}\" flag: {Parsing(option)}\n{See(parsed)}",
            ArgumentResult { Tokens.Count: 0 } argument => $"error: {argument.Argument.Name.ToUpperInvariant()} is required for this command\n{See(parsed)}",
            _ => $"error: {error.Message}\n{See(parsed)}",
        };
    }

    private static string See(ParseResult parsed) => $"See '{Path(parsed)} --help' for usage.";

    private static string Path(ParseResult parsed)
    {
        var names = new List<string>();
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
            names.Add(command.Parent is null ? "timonier" : command.Command.Name);
        names.Reverse();
        return string.Join(' ', names);
    }

    /// <summary>A word with a dash that became an argument, or that nothing took. What follows "--" is the person's own.</summary>
    private static string? UnknownFlag(ParseResult parsed)
    {
        var own = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).ToHashSet<Token>(ReferenceEqualityComparer.Instance);
        foreach (var token in parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash))
        {
            if (token.Type != TokenType.Argument || token.Value.Length < 2 || token.Value[0] != '-' || !(own.Contains(token) || parsed.UnmatchedTokens.Contains(token.Value)))
                continue;
            return token.Value.StartsWith("--", StringComparison.Ordinal) ? $"unknown flag: {token.Value.Split('=')[0]}" : $"unknown shorthand flag: '{token.Value[1]}' in {token.Value}";
        }
        return null;
    }

    private static string Needs(OptionResult option) => option.IdentifierToken is { Value: { } name } && !name.StartsWith("--", StringComparison.Ordinal) ? $"'{name[1]}' in {name}" : option.Option.Name;

    private static string Parsing(OptionResult option)
    {
        var (text, type) = (option.Tokens[^1].Value, Nullable.GetUnderlyingType(option.Option.ValueType) ?? option.Option.ValueType);
        return type == typeof(bool) ? $"strconv.ParseBool: parsing \"{text}\": invalid syntax" : $"strconv.ParseInt: parsing \"{text}\": invalid syntax";
    }

    private static string UnknownCommand(ParseResult parsed, string word)
    {
        var near = parsed.CommandResult.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name).Where(n => Distance(n, word) <= 2 || n.StartsWith(word, StringComparison.OrdinalIgnoreCase)).ToList();
        return $"error: unknown command \"{word}\" for \"{Path(parsed)}\"{(near.Count > 0 ? "\n\nDid you mean this?\n" + string.Concat(near.Select(n => $"\t{n}\n")) : "")}";
    }

    /// <summary>Levenshtein's.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var corner = row[0]++;
            for (var j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}

using System.Globalization;

namespace Timonier.Api.Json;

/// <summary>What Go's encoding/json says of a text that is no JSON: clients see these words in answers of the API server.</summary>
public static class GoJson
{
    public const string EndOfInput = "unexpected end of JSON input";

    private static readonly (char Letter, string Tail)[] Literals = [('t', "rue"), ('f', "alse"), ('n', "ull")];

    /// <summary>The first fault of syntax; null where there is none (bad UTF-8, too deep, a number out of range are none to Go's scanner).</summary>
    public static string? Fault(ReadOnlySpan<byte> text)
    {
        var at = 0;
        return Value(text, ref at, 0) ?? (Skip(text, ref at) ? Character(text[at], "after top-level value") : null);
    }

    /// <summary>"array", "string", "number", "bool" of the first value, as in "cannot unmarshal array into ...".</summary>
    public static string KindOf(object? value) => value switch
    {
        JsonMap => "object", JsonList => "array", string => "string", bool => "bool", null => "null", _ => "number",
    };

    private static string? Value(ReadOnlySpan<byte> text, ref int at, int depth)
    {
        if (!Skip(text, ref at))
            return EndOfInput;
        // Deeper input is refused elsewhere, in other words; the stack is finite.
        if (depth > JsonParser.MaxDepth)
            return null;
        var start = (char)text[at++];
        switch (start)
        {
            case '{': return Members(text, ref at, depth);
            case '[': return Elements(text, ref at, depth);
            case '"': return Text(text, ref at);
            case '-' or (>= '0' and <= '9'): return Number(text, ref at, start);
        }
        foreach (var (letter, rest) in Literals)
        {
            if (start == letter)
                return Literal(text, ref at, letter, rest);
        }
        return Character(text[at - 1], "looking for beginning of value");
    }

    private static string? Members(ReadOnlySpan<byte> text, ref int at, int depth)
    {
        for (var first = true; ; first = false)
        {
            if (!Skip(text, ref at))
                return EndOfInput;
            if (first && text[at] == '}')
                break;
            if (text[at] != '"')
                return Character(text[at], "looking for beginning of object key string");
            at++;
            if (Text(text, ref at) is { } fault)
                return fault;
            if (!Skip(text, ref at))
                return EndOfInput;
            if (text[at] != ':')
                return Character(text[at], "after object key");
            at++;
            if (Value(text, ref at, depth + 1) is { } inner)
                return inner;
            if (!Skip(text, ref at))
                return EndOfInput;
            if (text[at] == '}')
                break;
            if (text[at] != ',')
                return Character(text[at], "after object key:value pair");
            at++;
        }
        at++;
        return null;
    }

    private static string? Elements(ReadOnlySpan<byte> text, ref int at, int depth)
    {
        if (!Skip(text, ref at))
            return EndOfInput;
        while (text[at] != ']')
        {
            if (Value(text, ref at, depth + 1) is { } fault)
                return fault;
            if (!Skip(text, ref at))
                return EndOfInput;
            if (text[at] == ']')
                break;
            if (text[at] != ',')
                return Character(text[at], "after array element");
            at++;
            if (!Skip(text, ref at))
                return EndOfInput;
            if (text[at] == ']')
                return Character(text[at], "looking for beginning of value");
        }
        at++;
        return null;
    }

    private static string? Text(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length)
        {
            var c = text[at++];
            if (c == '"')
                return null;
            if (c < 0x20)
                return Character(c, "in string literal");
            if (c != '\\')
                continue;
            if (at >= text.Length)
                return EndOfInput;
            var escape = text[at++];
            if (!"\"\\/bfnrtu"u8.Contains(escape))
                return Character(escape, "in string escape code");
            for (var i = 0; escape == 'u' && i < 4; i++, at++)
            {
                if (at >= text.Length)
                    return EndOfInput;
                if (!char.IsAsciiHexDigit((char)text[at]))
                    return Character(text[at], "in \\u hexadecimal character escape");
            }
        }
        return EndOfInput;
    }

    private static string? Number(ReadOnlySpan<byte> text, ref int at, char start)
    {
        if (start == '-' && Digits(text, ref at, "in numeric literal", out start) is { } noDigit)
            return noDigit;
        // After a leading zero the number is over: another digit is the fault of what follows.
        while (start != '0' && at < text.Length && char.IsAsciiDigit((char)text[at]))
            at++;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (Digits(text, ref at, "after decimal point in numeric literal", out _) is { } fault)
                return fault;
            while (at < text.Length && char.IsAsciiDigit((char)text[at]))
                at++;
        }
        if (at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
                at++;
            if (Digits(text, ref at, "in exponent of numeric literal", out _) is { } fault)
                return fault;
            while (at < text.Length && char.IsAsciiDigit((char)text[at]))
                at++;
        }
        return null;
    }

    /// <summary>One digit, which must be there.</summary>
    private static string? Digits(ReadOnlySpan<byte> text, ref int at, string where, out char digit)
    {
        digit = '\0';
        if (at >= text.Length)
            return EndOfInput;
        digit = (char)text[at++];
        return char.IsAsciiDigit(digit) ? null : Character((byte)digit, where);
    }

    private static string? Literal(ReadOnlySpan<byte> text, ref int at, char first, string rest)
    {
        foreach (var letter in rest)
        {
            if (at >= text.Length)
                return EndOfInput;
            var c = text[at++];
            if (c != letter)
                return Character(c, $"in literal {first}{rest} (expecting '{letter}')");
        }
        return null;
    }

    private static bool Skip(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            at++;
        return at < text.Length;
    }

    private static string Character(byte c, string where) => $"invalid character {Quote(c)} {where}";

    private static string Quote(byte c) => (char)c switch
    {
        '\'' => "'\\''",
        '\\' => "'\\\\'",
        '\a' => "'\\a'", '\b' => "'\\b'", '\f' => "'\\f'", '\n' => "'\\n'", '\r' => "'\\r'", '\t' => "'\\t'", '\v' => "'\\v'",
        < ' ' or '\u007f' => string.Create(CultureInfo.InvariantCulture, $"'\\x{c:x2}'"),
        >= '\u0080' and < '\u00a0' => string.Create(CultureInfo.InvariantCulture, $"'\\u{(int)c:x4}'"),
        '\u00ad' => "'\\u00ad'",
        var other => $"'{other}'",
    };
}

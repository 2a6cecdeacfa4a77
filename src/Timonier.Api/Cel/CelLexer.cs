using System.Globalization;
using System.Text;

namespace Timonier.Api.Cel;

internal enum CelTokenKind { Identifier, Int, Uint, Double, String, Bytes, Symbol, End }

/// <param name="Value">The parsed literal; null for names and symbols.</param>
internal readonly record struct CelToken(CelTokenKind Kind, string Text, object? Value, int Position);

/// <summary>Splits an expression into tokens.</summary>
internal sealed class CelLexer(string source)
{
    private int _at;

    private static readonly string[] Symbols = ["==", "!=", "<=", ">=", "&&", "||", "[?", ".?", "{?", "+", "-", "*", "/", "%", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}"];

    public CelToken Next()
    {
        SkipBlanks();
        var start = _at;
        if (_at == source.Length)
            return new(CelTokenKind.End, "<EOF>", null, start);
        var c = source[_at];
        if (StringStart() is { } prefix)
            return Text(prefix, start);
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (_at < source.Length && (char.IsAsciiLetterOrDigit(source[_at]) || source[_at] == '_'))
                _at++;
            return new(CelTokenKind.Identifier, source[start.._at], null, start);
        }
        if (c == '`')
        {
            var end = source.IndexOf('`', _at + 1);
            if (end < 0)
                throw Fault(start, "token recognition error at: '`'");
            _at = end + 1;
            return new(CelTokenKind.Identifier, source[(start + 1)..end], null, start);
        }
        if (char.IsAsciiDigit(c) || (c == '.' && _at + 1 < source.Length && char.IsAsciiDigit(source[_at + 1])))
            return Number(start);
        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(source, _at, symbol, 0, symbol.Length) == 0)
            {
                _at += symbol.Length;
                return new(CelTokenKind.Symbol, symbol, null, start);
            }
        }
        throw Fault(start, $"Syntax error: token recognition error at: '{c}'");
    }

    internal sealed class SyntaxFault(int position, string message) : Exception(message)
    {
        public int Position { get; } = position;
    }

    public static SyntaxFault Fault(int position, string message) => new(position, message);

    private void SkipBlanks()
    {
        while (_at < source.Length)
        {
            if (source[_at] is ' ' or '\t' or '\r' or '\n' or '\f')
                _at++;
            else if (source[_at] == '/' && _at + 1 < source.Length && source[_at + 1] == '/')
                while (_at < source.Length && source[_at] != '\n')
                    _at++;
            else
                return;
        }
    }

    private CelToken Number(int start)
    {
        if (source[_at] == '0' && _at + 1 < source.Length && source[_at + 1] is 'x' or 'X' && source[_at] == '0')
        {
            _at += 2;
            while (_at < source.Length && char.IsAsciiHexDigit(source[_at]))
                _at++;
            return Integer(start, source[(start + 2).._at], NumberStyles.AllowHexSpecifier);
        }
        var isDouble = false;
        while (_at < source.Length)
        {
            var c = source[_at];
            if (c == '.' && !isDouble && _at + 1 < source.Length && char.IsAsciiDigit(source[_at + 1]))
                isDouble = true;
            else if (c is 'e' or 'E' && _at + 1 < source.Length && (char.IsAsciiDigit(source[_at + 1]) || (source[_at + 1] is '+' or '-' && _at + 2 < source.Length && char.IsAsciiDigit(source[_at + 2]))))
            {
                isDouble = true;
                _at++;
            }
            else if (!char.IsAsciiDigit(c))
                break;
            _at++;
        }
        var text = source[start.._at];
        if (isDouble)
        {
            // "1e2e3" and, as in cel-go, what no double can hold ("1e999") are no literals.
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? new(CelTokenKind.Double, text, number, start)
                : throw Fault(start, "invalid double literal");
        }
        return Integer(start, text, NumberStyles.None);
    }

    private CelToken Integer(int start, string digits, NumberStyles style)
    {
        var isUint = _at < source.Length && source[_at] is 'u' or 'U' && _at < source.Length;
        if (!ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var value))
            throw Fault(start, "invalid int literal");
        if (isUint)
        {
            _at++;
            return new(CelTokenKind.Uint, source[start.._at], value, start);
        }
        // One more than the largest stays unsigned, for the parser to negate: -9223372036854775808.
        if (value > (ulong)long.MaxValue + 1)
            throw Fault(start, "invalid int literal");
        return new(CelTokenKind.Int, source[start.._at], value > long.MaxValue ? value : (long)value, start);
    }

    /// <summary>The prefix letters of a text that starts here ("", "r", "b", "br", ...); null when none does.</summary>
    private string? StringStart()
    {
        for (var length = 0; length <= 2 && _at + length < source.Length; length++)
        {
            if (source[_at + length] is '"' or '\'')
                return source.Substring(_at, length).ToLowerInvariant();
            if (source[_at + length] is not ('r' or 'R' or 'b' or 'B'))
                return null;
        }
        return null;
    }

    private CelToken Text(string prefix, int start)
    {
        _at += prefix.Length;
        var raw = prefix.Contains('r', StringComparison.Ordinal);
        var isBytes = prefix.Contains('b', StringComparison.Ordinal);
        var quote = source[_at].ToString();
        if (string.CompareOrdinal(source, _at, quote + quote + quote, 0, 3) == 0)
            quote = quote + quote + quote;
        _at += quote.Length;
        var bytes = new List<byte>();
        while (true)
        {
            if (_at >= source.Length || (quote.Length == 1 && source[_at] is '\n' or '\r'))
                throw Fault(start, $"Syntax error: token recognition error at: '{source[start..Math.Min(_at, source.Length)]}'");
            if (string.CompareOrdinal(source, _at, quote, 0, quote.Length) == 0)
            {
                _at += quote.Length;
                break;
            }
            if (source[_at] == '\\' && !raw)
                Escape(isBytes, bytes, start);
            else
            {
                var rune = Rune.GetRuneAt(source, _at);
                AppendRune(rune, bytes);
                _at += rune.Utf16SequenceLength;
            }
        }
        return isBytes
            ? new(CelTokenKind.Bytes, source[start.._at], bytes.ToArray(), start)
            : new(CelTokenKind.String, source[start.._at], Encoding.UTF8.GetString([.. bytes]), start);
    }

    private static void AppendRune(Rune rune, List<byte> bytes)
    {
        Span<byte> utf8 = stackalloc byte[4];
        bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
    }

    private void Escape(bool isBytes, List<byte> bytes, int start)
    {
        _at++;
        var c = _at < source.Length ? source[_at++] : '\0';
        if ("abfnrtv\\?\"'`".IndexOf(c, StringComparison.Ordinal) is >= 0 and var simple)
        {
            bytes.Add((byte)"\a\b\f\n\r\t\v\\?\"'`"[simple]);
            return;
        }
        var (digits, radix) = c switch { 'x' or 'X' => (2, 16), 'u' => (4, 16), 'U' => (8, 16), >= '0' and <= '3' => (3, 8), _ => (0, 0) };
        if (radix == 8)
            _at--;
        if (digits == 0 || _at + digits > source.Length)
            throw Fault(start, "unable to unescape string");
        var code = 0L;
        foreach (var digit in source.AsSpan(_at, digits))
        {
            var value = char.IsAsciiHexDigit(digit) ? Convert.ToInt32(digit.ToString(), 16) : 99;
            if (value >= radix)
                throw Fault(start, "unable to unescape string");
            code = (code * radix) + value;
        }
        _at += digits;
        if (isBytes && c is not ('u' or 'U'))
            bytes.Add((byte)code);
        else if (Rune.IsValid((int)Math.Min(code, int.MaxValue)))
            AppendRune(new Rune((int)code), bytes);
        else
            throw Fault(start, "unable to unescape string");
    }
}

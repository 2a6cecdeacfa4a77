using System.Globalization;

namespace Timonier.Api;

/// <summary>
/// How large a pattern's automaton becomes, found before it is made: nine characters like "a{9000}" would make the engine allocate gigabytes, for its states hold one
/// another's remainders and grow with the square of the size.
/// </summary>
internal ref struct GoRegexSize(string pattern)
{
    /// <summary>Go's bound for a repetition, and for the product of those that nest: regexp/syntax, maxRepeat.</summary>
    private const long RepeatMax = 1000;

    /// <summary>Characters and classes, with repetitions written out. Go takes some millions, at a cost that grows with the size alone, not with its square.</summary>
    private const long AtomsMax = 3000;

    /// <summary>What may be left out doubles the ways on: of a thousand such atoms in a row the engine made 200 MB.</summary>
    private const long ChoiceAtoms = 3;

    /// <param name="Atoms">With repetitions written out.</param>
    /// <param name="Product">Of the repetitions that nest deepest.</param>
    private readonly record struct Extent(long Atoms, long Product);

    private readonly Stack<Extent> _open = new();
    private Extent _group = new(0, 1);
    private Extent _last = new(0, 1);
    private int _at;

    /// <exception cref="FormatException">Too large; the message is Go's.</exception>
    public void Check()
    {
        while (_at < pattern.Length)
        {
            var start = _at;
            switch (pattern[_at++])
            {
                case '\\': Escape(); break;
                case '[': Class(); Atom(1); break;
                case '(': Open(); break;
                case ')': Close(); break;
                case '*' or '+' or '?': _last = _last with { Atoms = _last.Atoms + ChoiceAtoms }; break;
                case '|' or '^' or '$': break;
                case '{' when Count(start) is { } count: Repeat(count, start); break;
                default: Atom(1); break;
            }
        }
        while (_open.Count > 0)
            Close();
        if (_group.Atoms + _last.Atoms > AtomsMax)
            throw new FormatException("error parsing regexp: expression too large");
    }

    private void Atom(long atoms)
    {
        _group = new(_group.Atoms + _last.Atoms, Math.Max(_group.Product, _last.Product));
        _last = new(atoms, 1);
    }

    private void Escape()
    {
        if (_at < pattern.Length && pattern[_at++] == 'Q')
        {
            var end = pattern.IndexOf("\\E", _at, StringComparison.Ordinal) is >= 0 and var found ? found : pattern.Length;
            Atom(end - _at);
            _at = Math.Min(end + 2, pattern.Length);
            return;
        }
        // \x{10FFFF} and \p{Greek} are one atom, not a repetition.
        if (_at < pattern.Length && pattern[_at] == '{' && pattern[_at - 1] is 'x' or 'p' or 'P')
            _at = pattern.IndexOf('}', _at) is > 0 and var close ? close + 1 : _at;
        Atom(1);
    }

    private void Class()
    {
        _at += _at < pattern.Length && pattern[_at] == '^' ? 1 : 0;
        for (var first = true; _at < pattern.Length && (first || pattern[_at] != ']'); first = false)
        {
            if (pattern[_at] == '[' && _at + 1 < pattern.Length && pattern[_at + 1] == ':' && pattern.IndexOf(":]", _at + 2, StringComparison.Ordinal) is > 0 and var end)
                _at = end + 2;
            else
                _at += pattern[_at] == '\\' ? 2 : 1;
        }
        _at++;
    }

    private void Open()
    {
        Atom(0);
        _open.Push(_group);
        (_group, _last) = (new(0, 1), new(0, 1));
        // "(?P<name>" and "(?i:" are no atoms.
        if (_at < pattern.Length && pattern[_at] == '?')
            _at = pattern.AsSpan(_at).IndexOfAny(">:)") is >= 0 and var length ? _at + length + (pattern[_at + length] == ')' ? 0 : 1) : _at + 1;
    }

    private void Close()
    {
        Atom(0);
        if (!_open.TryPop(out var outer))
            return;
        (_group, _last) = (outer, _group);
    }

    /// <summary>The count of "{3}", "{3,}" or "{3,5}", of which the engine keeps the larger; null: the brace is a character.</summary>
    private long? Count(int start)
    {
        var end = pattern.IndexOf('}', start);
        if (end < 0)
            return null;
        var parts = pattern[(start + 1)..end].Split(',');
        if (parts.Length > 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        if (parts.Length == 2 && parts[1].Length > 0)
        {
            if (!long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var max))
                return null;
            count = Math.Max(count, max);
        }
        _at = end + 1;
        return count;
    }

    private void Repeat(long count, int start)
    {
        if (count > RepeatMax || _last.Product * Math.Max(count, 1) > RepeatMax)
            throw new FormatException($"error parsing regexp: invalid repeat count: `{pattern[start.._at]}`");
        _last = new(_last.Atoms * count, _last.Product * Math.Max(count, 1));
    }
}

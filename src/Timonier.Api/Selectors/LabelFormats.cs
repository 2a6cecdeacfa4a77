namespace Timonier.Api.Selectors;

/// <summary>What label keys and values may be (apimachinery validation: qualified names), with upstream's messages.</summary>
public static class LabelFormats
{
    private const string NameRule =
        "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    private const string ValueRule =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    private const string SubdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const int NameMax = 63;
    private const int SubdomainMax = 253;

    /// <summary>The faults of a label or annotation key; null when it is fine.</summary>
    public static string? KeyFaults(string key)
    {
        var faults = new List<string>(2);
        var slash = key.IndexOf('/');
        if (slash >= 0 && key.IndexOf('/', slash + 1) >= 0)
            return $"a qualified name must {NameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
        if (slash == 0)
            faults.Add("prefix part must be non-empty");
        else if (slash > SubdomainMax)
            faults.Add($"prefix part must be no more than {SubdomainMax} bytes");
        if (slash > 0 && !IsSubdomain(key.AsSpan(0, slash)))
            faults.Add("prefix part " + SubdomainRule);
        var name = key.AsSpan(slash + 1);
        if (name.IsEmpty)
            faults.Add("name part must be non-empty");
        else if (name.Length > NameMax)
            faults.Add($"name part must be no more than {NameMax} bytes");
        if (!IsName(name))
            faults.Add("name part must " + NameRule);
        return faults.Count == 0 ? null : string.Join("; ", faults);
    }

    /// <summary>The faults of a label value; null when it is fine.</summary>
    public static string? ValueFaults(string value)
    {
        var tooLong = value.Length > NameMax ? $"must be no more than {NameMax} bytes" : null;
        var malformed = value.Length > 0 && !IsName(value) ? ValueRule : null;
        return tooLong is null ? malformed : malformed is null ? tooLong : $"{tooLong}; {malformed}";
    }

    /// <summary>The part behind the slash of a qualified name, of any length; a label's value that is not empty.</summary>
    public static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || !char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1]))
            return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return false;
        }
        return true;
    }

    private static bool IsSubdomain(ReadOnlySpan<char> text)
    {
        var previous = '.';
        foreach (var c in text)
        {
            var alphanumeric = char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
            if (!alphanumeric && (c is not ('-' or '.') || previous == '.' || (c == '.' && previous == '-')))
                return false;
            previous = c;
        }
        return previous is not ('.' or '-');
    }
}

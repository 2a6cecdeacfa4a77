using System.Globalization;
using System.Text.Json;

namespace Timonier.Api;

/// <summary>intstr.IntOrString: a number, or a text such as a port's name or "25%".</summary>
public readonly record struct IntOrString
{
    private readonly string? _text;
    private readonly int _number;

    public IntOrString(int number) => _number = number;

    public IntOrString(string text) => _text = text;

    public bool IsString => _text is not null;

    /// <summary>The number; 0 for a text.</summary>
    public int Number => _number;

    /// <summary>The text; the number's digits for a number.</summary>
    public override string ToString() => _text ?? _number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The integer 0, which is what Go's zero value is.</summary>
    public bool IsZero => _text is null && _number == 0;

    public static implicit operator IntOrString(int number) => new(number);

    /// <summary>A number, or a percentage of <paramref name="total"/>.</summary>
    /// <exception cref="FormatException">A text that is no percentage.</exception>
    public int Scaled(int total, bool roundUp)
    {
        if (_text is null)
            return _number;
        if (!_text.EndsWith('%') || !int.TryParse(_text.AsSpan(0, _text.Length - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var percent))
            throw new FormatException($"invalid value for IntOrString: invalid type: string is not a percentage: \"{_text}\"");
        var value = (double)percent * total / 100;
        return (int)(roundUp ? Math.Ceiling(value) : Math.Floor(value));
    }

    public void Write(Utf8JsonWriter writer)
    {
        if (_text is null)
            writer.WriteNumberValue(_number);
        else
            writer.WriteStringValue(_text);
    }
}

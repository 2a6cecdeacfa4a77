using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Timonier.Api;

/// <summary>
/// A resource quantity ("500m", "1Gi", "1e3"): an exact decimal number with the suffix family it was written in, kept in
/// canonical form as upstream writes it back. Source: apimachinery resource.Quantity; finer than nano is rounded up.
/// </summary>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    private enum Format { DecimalSI, BinarySI, DecimalExponent }

    private const int NanoDigits = 9;

    private static readonly BigInteger Nano = BigInteger.Pow(10, NanoDigits);

    /// <summary>Far above the largest quantity; the bound keeps hostile input cheap. What is below the limit can be written with as many digits, and so read again.</summary>
    private const int DigitsMax = 80;

    private static readonly BigInteger Limit = BigInteger.Pow(10, DigitsMax - 1);

    // The value in nano units: exact for every quantity that Kubernetes accepts.
    private readonly BigInteger _nanos;
    private readonly Format _format;

    private Quantity(BigInteger nanos, Format format) => (_nanos, _format) = (nanos, format);

    public static readonly Quantity Zero;

    /// <summary>A whole number, written with decimal suffixes.</summary>
    public Quantity(long value) => _nanos = value * Nano;

    /// <summary>A whole number of bytes, written with binary suffixes.</summary>
    public static Quantity FromBytes(long bytes) => new(bytes * Nano, Format.BinarySI);

    public static Quantity FromMilli(long milli) => new(milli * (Nano / 1000), Format.DecimalSI);

    public static Quantity FromNano(BigInteger nanos) => new(nanos, Format.DecimalSI);

    /// <exception cref="FormatException">Upstream's message for a text that is no quantity.</exception>
    public static Quantity Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");

    public static bool TryParse(string text, out Quantity value)
    {
        value = default;
        var digitsEnd = 0;
        if (digitsEnd < text.Length && text[digitsEnd] is '+' or '-')
            digitsEnd++;
        var digitsStart = digitsEnd;
        while (digitsEnd < text.Length && (char.IsAsciiDigit(text[digitsEnd]) || text[digitsEnd] == '.'))
            digitsEnd++;
        var number = text.AsSpan(digitsStart, digitsEnd - digitsStart);
        if (number.IsEmpty || number.Length > DigitsMax || number.Count('.') > 1 || number is "." || !TryParseSuffix(text.AsSpan(digitsEnd), out var suffix))
            return false;
        var point = number.IndexOf('.');
        var fraction = point < 0 ? 0 : number.Length - point - 1;
        var mantissa = BigInteger.Parse(number.ToString().Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * suffix.Factor;
        var exponent = suffix.Exponent - fraction + NanoDigits;
        var nanos = exponent >= 0 ? mantissa * BigInteger.Pow(10, exponent) : DivideRoundUp(mantissa, BigInteger.Pow(10, -exponent));
        // Upstream caps a binary quantity that is larger than an int64 instead of refusing it.
        if (suffix.Format == Format.BinarySI)
            nanos = BigInteger.Min(nanos, long.MaxValue * Nano);
        if (nanos >= Limit)
            return false;
        value = new Quantity(text[0] == '-' ? -nanos : nanos, suffix.Format);
        return true;
    }

    private static BigInteger DivideRoundUp(BigInteger value, BigInteger by)
    {
        var quotient = BigInteger.DivRem(value, by, out var remainder);
        return remainder.IsZero ? quotient : quotient + value.Sign;
    }

    private static bool TryParseSuffix(ReadOnlySpan<char> text, out (BigInteger Factor, int Exponent, Format Format) suffix)
    {
        suffix = (BigInteger.One, 0, Format.DecimalSI);
        if (text.IsEmpty)
            return true;
        if (text.Length == 2 && text[1] == 'i')
        {
            var power = "KMGTPE".IndexOf(text[0], StringComparison.Ordinal) + 1;
            suffix = (BigInteger.Pow(1024, power), 0, Format.BinarySI);
            return power > 0;
        }
        if (text.Length == 1 && "num".IndexOf(text[0], StringComparison.Ordinal) is >= 0 and var small)
        {
            suffix.Exponent = 3 * (small - 3);
            return true;
        }
        if (text.Length == 1 && "kMGTPE".IndexOf(text[0], StringComparison.Ordinal) is >= 0 and var large)
        {
            suffix.Exponent = 3 * (large + 1);
            return true;
        }
        if (text[0] is 'e' or 'E' && int.TryParse(text[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent) && exponent is >= -60 and <= 60)
        {
            suffix = (BigInteger.One, exponent, Format.DecimalExponent);
            return true;
        }
        return false;
    }

    public bool IsZero => _nanos.IsZero;

    public int Sign => _nanos.Sign;

    /// <summary>In whole units, rounded up, as upstream's Value(); bounded by the range of long.</summary>
    public long Value => Clamp(DivideRoundUp(_nanos, Nano));

    /// <summary>In thousandths, rounded up, as upstream's MilliValue(); bounded by the range of long.</summary>
    public long MilliValue => Clamp(DivideRoundUp(_nanos, Nano / 1000));

    private static long Clamp(BigInteger value) => value > long.MaxValue ? long.MaxValue : value < long.MinValue ? long.MinValue : (long)value;

    public double ToDouble() => (double)_nanos / 1e9;

    public static Quantity operator +(Quantity a, Quantity b) => new(a._nanos + b._nanos, a.IsZero ? b._format : a._format);

    public static Quantity operator -(Quantity a, Quantity b) => new(a._nanos - b._nanos, a.IsZero ? b._format : a._format);

    public static bool operator <(Quantity a, Quantity b) => a._nanos < b._nanos;

    public static bool operator >(Quantity a, Quantity b) => a._nanos > b._nanos;

    public static bool operator <=(Quantity a, Quantity b) => a._nanos <= b._nanos;

    public static bool operator >=(Quantity a, Quantity b) => a._nanos >= b._nanos;

    public static bool operator ==(Quantity a, Quantity b) => a._nanos == b._nanos;

    public static bool operator !=(Quantity a, Quantity b) => a._nanos != b._nanos;

    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    /// <summary>Equal numbers are equal quantities, however written.</summary>
    public bool Equals(Quantity other) => _nanos == other._nanos;

    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    public override int GetHashCode() => _nanos.GetHashCode();

    public void Write(Utf8JsonWriter writer) => writer.WriteStringValue(ToString());

    /// <summary>The canonical form: no fraction, the largest suffix of its family that keeps the number whole.</summary>
    public override string ToString()
    {
        if (_nanos.IsZero)
            return "0";
        // Below 1024 and for fractions, binary quantities are written with decimal suffixes.
        if (_format == Format.BinarySI && BigInteger.Remainder(_nanos, Nano).IsZero && BigInteger.Abs(_nanos) >= 1024 * Nano)
            return FormatBinary(_nanos / Nano);
        var number = _nanos;
        var exponent = -NanoDigits;
        while (exponent < 18 && BigInteger.Remainder(number, 1000).IsZero)
        {
            number /= 1000;
            exponent += 3;
        }
        var digits = number.ToString(CultureInfo.InvariantCulture);
        if (exponent == 0)
            return digits;
        return _format == Format.DecimalExponent ? $"{digits}e{exponent}" : digits + "num kMGTPE"[(exponent / 3) + 3];
    }

    private static string FormatBinary(BigInteger number)
    {
        var power = 0;
        while (power < 6 && BigInteger.Remainder(number, 1024).IsZero)
        {
            number /= 1024;
            power++;
        }
        var digits = number.ToString(CultureInfo.InvariantCulture);
        return power == 0 ? digits : digits + "KMGTPE"[power - 1] + "i";
    }
}

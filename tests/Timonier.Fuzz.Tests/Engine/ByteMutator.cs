using System.Globalization;
using System.Text;

namespace Timonier.Fuzz.Tests.Engine;

/// <summary>Changes that need to know nothing of the form: bits, bytes, ranges, words, numbers, nesting, bad UTF-8.</summary>
internal static class ByteMutator
{
    public const int LengthMax = 64 << 10;

    private static readonly byte[][] BadTexts = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0], "\\ud800"u8.ToArray(), [0xef, 0xbb, 0xbf], "\u2028"u8.ToArray(), "\ufffd"u8.ToArray()];

    private static readonly string[] Numbers =
    [
        "0", "-0", "-1", "1e999", "-1e999", "1e-999", "0.1", "1E400", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "1.7976931348623157e308", "5e-324", "0x7fffffffffffffff", "00", "01", "1_000", "NaN", "Infinity", new('9', 400), "1" + new string('0', 5000), "0." + new string('0', 400) + "1",
    ];

    private static readonly byte[] Openers = "[{(\"'<-!~"u8.ToArray();

    public static byte[] Mutate(Random random, byte[] input, IReadOnlyList<byte[]> tokens, Func<byte[]> another)
    {
        var at = random.Next(input.Length + 1);
        var length = Math.Min(random.Next(4) == 0 ? random.Next(input.Length + 1) : 1 + random.Next(8), input.Length - at);
        return random.Next(12) switch
        {
            0 when at < input.Length => With(input, at, (byte)(input[at] ^ (1 << random.Next(8)))),
            1 when at < input.Length => With(input, at, (byte)random.Next(256)),
            2 => Replace(input, at, 0, Noise(random)),
            3 => Replace(input, at, length, []),
            4 => Replace(input, at, 0, input.AsSpan(at, length)),
            5 => Replace(input, at, length, Part(random, another())),
            6 or 7 when tokens.Count > 0 => Replace(input, at, random.Next(2) * length, tokens[random.Next(tokens.Count)]),
            8 => Replace(input, at, length, BadTexts[random.Next(BadTexts.Length)]),
            9 => Number(random, input),
            10 => Replace(input, at, 0, Nest(random, tokens)),
            _ => Replace(input, at, 0, Part(random, another())),
        };
    }

    public static byte[] Replace(byte[] input, int at, int length, ReadOnlySpan<byte> with)
    {
        with = with[..Math.Min(with.Length, LengthMax)];
        byte[] result = [.. input.AsSpan(0, at), .. with, .. input.AsSpan(at + length)];
        return result.Length <= LengthMax ? result : result[..LengthMax];
    }

    private static byte[] With(byte[] input, int at, byte value)
    {
        var copy = (byte[])input.Clone();
        copy[at] = value;
        return copy;
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[1 + random.Next(8)];
        random.NextBytes(noise);
        return noise;
    }

    private static ReadOnlySpan<byte> Part(Random random, byte[] other)
    {
        var start = random.Next(other.Length + 1);
        return other.AsSpan(start, random.Next(other.Length - start + 1));
    }

    /// <summary>Puts an extreme number in the place of one that is there.</summary>
    private static byte[] Number(Random random, byte[] input)
    {
        var number = Encoding.ASCII.GetBytes(random.Next(4) == 0 ? random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture) : Numbers[random.Next(Numbers.Length)]);
        var start = random.Next(input.Length + 1);
        var digit = input.AsSpan(start).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (digit < 0)
            return Replace(input, start, 0, number);
        start += digit;
        var end = input.AsSpan(start).IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return Replace(input, start, end < 0 ? input.Length - start : end, number);
    }

    private static byte[] Nest(Random random, IReadOnlyList<byte[]> tokens)
    {
        var unit = tokens.Count > 0 && random.Next(2) == 0 ? tokens[random.Next(tokens.Count)] : [Openers[random.Next(Openers.Length)]];
        return [.. Enumerable.Repeat(unit, 1 << random.Next(13)).SelectMany(one => one).Take(LengthMax)];
    }
}

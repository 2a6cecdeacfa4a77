using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Timonier.ApiServer.Encryption;

/// <summary>
/// NaCl's secretbox: XSalsa20 and Poly1305, which the framework does not have. Source: Bernstein, "Extending the Salsa20 nonce" and
/// "The Poly1305-AES message-authentication code"; the box is the tag, then the ciphertext.
/// </summary>
public static class SecretBox
{
    public const int KeyBytes = 32, NonceBytes = 24, TagBytes = 16;
    private const int BlockBytes = 64;

    public static byte[] Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain)
    {
        var box = new byte[TagBytes + plain.Length];
        Span<byte> tagKey = stackalloc byte[32];
        Xor(key, nonce, plain, box.AsSpan(TagBytes), tagKey);
        Poly1305(tagKey, box.AsSpan(TagBytes), box);
        return box;
    }

    /// <exception cref="CryptographicException">Another key or nonce, or not what was sealed.</exception>
    public static byte[] Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box)
    {
        if (box.Length < TagBytes)
            throw new CryptographicException("the stored data was shorter than the required size");
        var plain = new byte[box.Length - TagBytes];
        Span<byte> tagKey = stackalloc byte[32];
        Span<byte> tag = stackalloc byte[TagBytes];
        Xor(key, nonce, box[TagBytes..], plain, tagKey);
        Poly1305(tagKey, box[TagBytes..], tag);
        return CryptographicOperations.FixedTimeEquals(tag, box[..TagBytes]) ? plain : throw new CryptographicException("message authentication failed");
    }

    /// <summary>The first 32 bytes of the stream are the tag's key, the message comes behind them.</summary>
    private static void Xor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> input, Span<byte> output, Span<byte> tagKey)
    {
        Span<byte> subkey = stackalloc byte[KeyBytes];
        Span<byte> block = stackalloc byte[BlockBytes];
        Span<uint> state = stackalloc uint[16];
        Fill(state, key, nonce[..16]);
        Rounds(state);
        // HSalsa20: the words that an attacker does not know.
        ReadOnlySpan<int> kept = [0, 5, 10, 15, 6, 7, 8, 9];
        for (var i = 0; i < kept.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(subkey[(4 * i)..], state[kept[i]]);
        Span<byte> counted = stackalloc byte[16];
        nonce[16..].CopyTo(counted);
        for (var at = -tagKey.Length; at < input.Length; at += BlockBytes)
        {
            BinaryPrimitives.WriteInt64LittleEndian(counted[8..], (at + tagKey.Length) / BlockBytes);
            Block(subkey, counted, block);
            var from = 0;
            if (at < 0)
            {
                block[..tagKey.Length].CopyTo(tagKey);
                from = tagKey.Length;
            }
            for (var i = from; i < BlockBytes && at + i < input.Length; i++)
                output[at + i] = (byte)(input[at + i] ^ block[i]);
        }
    }

    private static void Block(ReadOnlySpan<byte> key, ReadOnlySpan<byte> counted, Span<byte> block)
    {
        Span<uint> start = stackalloc uint[16];
        Span<uint> state = stackalloc uint[16];
        Fill(start, key, counted);
        start.CopyTo(state);
        Rounds(state);
        for (var i = 0; i < 16; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(block[(4 * i)..], start[i] + state[i]);
    }

    /// <summary>The constants "expand 32-byte k" on the diagonal, the key in two halves around 16 bytes of input.</summary>
    private static void Fill(Span<uint> state, ReadOnlySpan<byte> key, ReadOnlySpan<byte> input)
    {
        (state[0], state[5], state[10], state[15]) = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
        for (var i = 0; i < 4; i++)
        {
            state[1 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
            state[11 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(16 + (4 * i))..]);
            state[6 + i] = BinaryPrimitives.ReadUInt32LittleEndian(input[(4 * i)..]);
        }
    }

    /// <summary>Salsa20's ten double rounds.</summary>
    private static void Rounds(Span<uint> x)
    {
        for (var i = 0; i < 10; i++)
        {
            Quarter(x, 0, 4, 8, 12);
            Quarter(x, 5, 9, 13, 1);
            Quarter(x, 10, 14, 2, 6);
            Quarter(x, 15, 3, 7, 11);
            Quarter(x, 0, 1, 2, 3);
            Quarter(x, 5, 6, 7, 4);
            Quarter(x, 10, 11, 8, 9);
            Quarter(x, 15, 12, 13, 14);
        }
    }

    private static void Quarter(Span<uint> x, int a, int b, int c, int d)
    {
        x[b] ^= BitOperations.RotateLeft(x[a] + x[d], 7);
        x[c] ^= BitOperations.RotateLeft(x[b] + x[a], 9);
        x[d] ^= BitOperations.RotateLeft(x[c] + x[b], 13);
        x[a] ^= BitOperations.RotateLeft(x[d] + x[c], 18);
    }

    /// <summary>Modulo 2^130 - 5 in five limbs of 26 bits, without branches on secret values.</summary>
    private static void Poly1305(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> tag)
    {
        const uint Mask = 0x3ffffff;
        Span<ulong> r = stackalloc ulong[5];
        Limbs(key[..16], 0, r);
        // The clamp of the paper: certain bits of r are zero.
        r[0] &= 0x3ffffff;
        r[1] &= 0x3ffff03;
        r[2] &= 0x3ffc0ff;
        r[3] &= 0x3f03fff;
        r[4] &= 0x00fffff;
        Span<ulong> h = stackalloc ulong[5];
        Span<ulong> block = stackalloc ulong[5];
        Span<byte> last = stackalloc byte[16];
        h.Clear();
        for (var at = 0; at < message.Length; at += 16)
        {
            var part = message[at..Math.Min(at + 16, message.Length)];
            if (part.Length == 16)
            {
                Limbs(part, 1, block);
            }
            else
            {
                last.Clear();
                part.CopyTo(last);
                last[part.Length] = 1;
                Limbs(last, 0, block);
            }
            for (var i = 0; i < 5; i++)
                h[i] += block[i];
            Multiply(h, r);
        }
        Carry(h, Mask);
        Carry(h, Mask);
        // h - p, taken when it is not negative.
        Span<ulong> g = stackalloc ulong[5];
        var carry = 5UL;
        for (var i = 0; i < 5; i++)
        {
            g[i] = h[i] + carry;
            carry = g[i] >> 26;
            g[i] &= Mask;
        }
        var take = 0UL - carry;
        UInt128 sum = 0;
        for (var i = 4; i >= 0; i--)
            sum = (sum << 26) | ((h[i] & ~take) | (g[i] & take));
        sum += BinaryPrimitives.ReadUInt128LittleEndian(key[16..]);
        BinaryPrimitives.WriteUInt128LittleEndian(tag, sum);
    }

    private static void Limbs(ReadOnlySpan<byte> bytes, ulong top, Span<ulong> limbs)
    {
        var value = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
        for (var i = 0; i < 5; i++)
            limbs[i] = (ulong)(value >> (26 * i)) & 0x3ffffff;
        limbs[4] |= top << 24;
    }

    private static void Multiply(Span<ulong> h, ReadOnlySpan<ulong> r)
    {
        Span<ulong> product = stackalloc ulong[5];
        for (var i = 0; i < 5; i++)
        {
            product[i] = 0;
            // What goes beyond 2^130 comes back five times.
            for (var j = 0; j < 5; j++)
                product[i] += h[j] * (j <= i ? r[i - j] : 5 * r[i + 5 - j]);
        }
        product.CopyTo(h);
        Carry(h, 0x3ffffff);
    }

    private static void Carry(Span<ulong> h, uint mask)
    {
        for (var i = 0; i < 5; i++)
        {
            var carry = h[i] >> 26;
            h[i] &= mask;
            if (i < 4)
                h[i + 1] += carry;
            else
                h[0] += 5 * carry;
        }
        h[1] += h[0] >> 26;
        h[0] &= mask;
    }
}

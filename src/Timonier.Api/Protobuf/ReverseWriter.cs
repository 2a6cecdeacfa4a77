using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Timonier.Api.Protobuf;

/// <summary>Writes protobuf from the end to the start, so that a message's length is known when its head is written.</summary>
internal sealed class ReverseWriter : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int _at;

    public ReverseWriter() => _at = _buffer.Length;

    public int Length => _buffer.Length - _at;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(_at);

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void Text(string text) => Encoding.UTF8.GetBytes(text, Take(Encoding.UTF8.GetByteCount(text)));

    public void Varint(ulong value)
    {
        var length = VarintLength(value);
        var span = Take(length);
        for (var i = 0; i < length - 1; i++, value >>= 7)
            span[i] = (byte)(value | 0x80);
        span[length - 1] = (byte)value;
    }

    public static int VarintLength(ulong value) => (Math.Max(1, 64 - System.Numerics.BitOperations.LeadingZeroCount(value)) + 6) / 7;

    public void Fixed64(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Tag(int number, WireType wire) => Varint(((ulong)(uint)number << 3) | (uint)wire);

    /// <summary>The head of a length-delimited field, whose content was written since <paramref name="mark"/>, an earlier <see cref="Length"/>.</summary>
    public void Head(int number, int mark)
    {
        Varint((ulong)(Length - mark));
        Tag(number, WireType.Length);
    }

    public Span<byte> Take(int count)
    {
        if (count > _at)
        {
            var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(_buffer.Length * 2, Length + count)));
            var length = Length;
            Written.CopyTo(larger.AsSpan(larger.Length - length));
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            _at = larger.Length - length;
        }
        _at -= count;
        return _buffer.AsSpan(_at, count);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _at = 0;
    }
}

internal enum WireType { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 }

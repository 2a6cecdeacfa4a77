using System.Buffers.Binary;
using System.Text;

namespace Timonier.ApiServer.OpenApi;

/// <summary>Writes protobuf whose nested messages get a length of fixed width, filled in at their end: legal, and no second pass.</summary>
internal sealed class ProtoBuffer
{
    /// <summary>Four bytes of varint hold 2^28, far more than any document here.</summary>
    private const int LengthWidth = 4;

    private byte[] _bytes = new byte[64 * 1024];
    private int _count;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _count);

    public void String(int field, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        Tag(field, 2);
        Varint((ulong)Encoding.UTF8.GetByteCount(value));
        Reserve(Encoding.UTF8.GetMaxByteCount(value.Length));
        _count += Encoding.UTF8.GetBytes(value, _bytes.AsSpan(_count));
    }

    public void Integer(int field, long value)
    {
        if (value == 0)
            return;
        Tag(field, 0);
        Varint((ulong)value);
    }

    public void Bool(int field, bool value) => Integer(field, value ? 1 : 0);

    public void Double(int field, double value)
    {
        if (value == 0)
            return;
        Tag(field, 1);
        Reserve(sizeof(double));
        BinaryPrimitives.WriteDoubleLittleEndian(_bytes.AsSpan(_count), value);
        _count += sizeof(double);
    }

    /// <summary>A nested message; <see cref="End"/> with the result closes it.</summary>
    public int Begin(int field)
    {
        Tag(field, 2);
        Reserve(LengthWidth);
        _count += LengthWidth;
        return _count;
    }

    public void End(int start)
    {
        var length = (uint)(_count - start);
        for (var i = 0; i < LengthWidth; i++)
            _bytes[start - LengthWidth + i] = (byte)(((length >> (7 * i)) & 0x7f) | (i < LengthWidth - 1 ? 0x80u : 0));
    }

    private void Tag(int field, int wire) => Varint((ulong)((field << 3) | wire));

    private void Varint(ulong value)
    {
        Reserve(10);
        while (value >= 0x80)
        {
            _bytes[_count++] = (byte)(value | 0x80);
            value >>= 7;
        }
        _bytes[_count++] = (byte)value;
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _count < count)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + count));
    }
}

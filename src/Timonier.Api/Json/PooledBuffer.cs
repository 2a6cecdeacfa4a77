using System.Buffers;

namespace Timonier.Api.Json;

/// <summary>A buffer from the shared pool that grows: for bytes that are read or copied at once and then forgotten. What it has given out ends with <see cref="Dispose"/>.</summary>
public sealed class PooledBuffer(int capacity = PooledBuffer.DefaultCapacity) : IBufferWriter<byte>, IDisposable
{
    /// <summary>Holds most objects, with what a JSON writer asks for ahead of a text that it may have to escape.</summary>
    private const int DefaultCapacity = 8 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);

    public int WrittenCount { get; private set; }

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, WrittenCount);

    public void Advance(int count) => WrittenCount += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(WrittenCount);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(WrittenCount);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, WrittenCount) = ([], 0);
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - WrittenCount >= count)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(WrittenCount + count, 2 * _bytes.Length));
        WrittenSpan.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}

using System.Text;

namespace Timonier.Cli.Streams;

/// <summary>Bytes of UTF-8 written to a text writer; a character torn between two writes is kept together.</summary>
internal sealed class TextStream(TextWriter writer) : Stream
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count)
    {
        var text = new char[_decoder.GetCharCount(buffer, offset, count, flush: false)];
        _decoder.GetChars(buffer, offset, count, text, 0, flush: false);
        writer.Write(text);
    }

    public override void Flush() => writer.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

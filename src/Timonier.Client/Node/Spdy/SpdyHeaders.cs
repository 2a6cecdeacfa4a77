using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Timonier.Client.Node.Spdy;

/// <summary>
/// Header blocks of SPDY/3.1 (section 2.6.10): one zlib stream per direction and connection, with a preset dictionary. Writing
/// stores instead of compressing, which every reader accepts; reading needs the dictionary. Not thread-safe.
/// </summary>
internal sealed class SpdyHeaders : IDisposable
{
    // RFC 1950: CM 8 with a 32 KiB window; FDICT set, check bits 0, as 0x7820 is a multiple of 31.
    private static readonly byte[] ZlibHeader = [0x78, 0x20];
    private const int ZlibHeaderLength = 6;
    private const uint DictionaryAdler = 0xe3c6a7c2;

    // No client sends more; a block that says so is hostile.
    private const int BlockLengthMax = 16 * 1024;
    private const int PairsMax = 100;

    private static readonly byte[] Dictionary = MakeDictionary();

    private readonly FeedStream _feed = new();
    private DeflateStream? _inflate;
    private bool _hasWritten;

    public void Dispose() => _inflate?.Dispose();

    /// <summary>Names are written in lower case, as the protocol demands.</summary>
    public byte[] Write(IReadOnlyDictionary<string, string> headers)
    {
        using var block = new MemoryStream();
        WriteNumber(block, (uint)headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(block, name.ToLowerInvariant());
            WriteText(block, value);
        }
        using var output = new MemoryStream();
        if (!_hasWritten)
        {
            output.Write(ZlibHeader);
            WriteNumber(output, DictionaryAdler);
            _hasWritten = true;
        }
        WriteStored(output, block.ToArray());
        // An empty block is a flush: Go's inflater hands out what it has only then.
        WriteStored(output, []);
        return output.ToArray();
    }

    /// <exception cref="InvalidDataException">Not a header block.</exception>
    public IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> compressed)
    {
        if (_inflate is null)
        {
            if (compressed.Length < ZlibHeaderLength)
                throw new InvalidDataException("SPDY header block without zlib header");
            compressed = compressed[ZlibHeaderLength..];
            // A raw inflater has no dictionary, but a stored block before the data puts the same bytes into its window.
            using var primer = new MemoryStream();
            WriteStored(primer, Dictionary);
            _feed.Add(primer.ToArray());
            _inflate = new DeflateStream(_feed, CompressionMode.Decompress);
            _inflate.ReadExactly(new byte[Dictionary.Length]);
        }
        _feed.Add(compressed);
        var count = ReadNumber();
        if (count > PairsMax)
            throw new InvalidDataException("too many SPDY headers");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < count; i++)
        {
            var name = ReadText();
            headers[name] = ReadText();
        }
        return headers;
    }

    private uint ReadNumber()
    {
        Span<byte> bytes = stackalloc byte[4];
        _inflate!.ReadExactly(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private string ReadText()
    {
        var length = ReadNumber();
        if (length > BlockLengthMax)
            throw new InvalidDataException("SPDY header too long");
        var bytes = new byte[length];
        _inflate!.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private static void WriteNumber(Stream output, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        output.Write(bytes);
    }

    private static void WriteText(Stream output, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteNumber(output, (uint)bytes.Length);
        output.Write(bytes);
    }

    // RFC 1951, 3.2.4: a block that is not the last and not compressed begins with a zero byte, its length and the complement.
    private static void WriteStored(Stream output, byte[] data)
    {
        Span<byte> header = stackalloc byte[5];
        BinaryPrimitives.WriteUInt16LittleEndian(header[1..], (ushort)data.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[3..], (ushort)~data.Length);
        output.Write(header);
        output.Write(data);
    }

    // The dictionary of the specification: words with their lengths, then a run of text.
    private static byte[] MakeDictionary()
    {
        const string words =
            "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection "
            + "content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host "
            + "if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization "
            + "range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version "
            + "HTTP/1.1 url public set-cookie keep-alive origin";
        const string run =
            "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
            + "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found"
            + "500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
            + "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,"
            + "text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
        using var bytes = new MemoryStream();
        foreach (var word in words.Split(' '))
            WriteText(bytes, word.Replace('_', ' '));
        bytes.Write(Encoding.ASCII.GetBytes(run));
        return bytes.ToArray();
    }

    /// <summary>Gives the inflater what has arrived; it is never asked for more than the peer has flushed.</summary>
    private sealed class FeedStream : Stream
    {
        private byte[] _bytes = [];
        private int _position;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            _bytes = [.. _bytes.AsSpan(_position), .. bytes];
            _position = 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, _bytes.Length - _position);
            _bytes.AsSpan(_position, length).CopyTo(buffer);
            _position += length;
            return length;
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

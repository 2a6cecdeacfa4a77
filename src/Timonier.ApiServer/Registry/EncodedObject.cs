using System.Buffers;
using System.Buffers.Text;
using Timonier.Api.Json;
using Timonier.Store;

namespace Timonier.ApiServer.Registry;

/// <summary>
/// A stored object without parsing it: its JSON, and where in it the header says that things are. The store's value is the
/// JSON without resourceVersion, followed by the header (see <see cref="ObjectEncoder"/>), so cache, lists and watches share the store's bytes.
/// </summary>
internal readonly struct EncodedObject
{
    private readonly ReadOnlyMemory<byte> _value;
    private readonly int _jsonLength;
    private readonly int _spliceAt;
    private readonly int _fieldsAt;

    /// <param name="revision">The resourceVersion to show: that of the entry, or the one of its delete.</param>
    public EncodedObject(Entry entry, long revision)
    {
        (Entry, Revision, _value) = (entry, revision, entry.Value);
        var value = _value.Span;
        _jsonLength = value.Length - (value[^1] | (value[^2] << 8));
        var at = _jsonLength + 1;
        _spliceAt = ObjectEncoder.ReadNumber(value, ref at);
        TypeMetaLength = ObjectEncoder.ReadNumber(value, ref at);
        _fieldsAt = at;
    }

    public EncodedObject(Entry entry) : this(entry, entry.ModRevision) { }

    public Entry Entry { get; }

    public long Revision { get; }

    /// <summary>The length of the opening brace, kind and apiVersion, with the comma behind them.</summary>
    public int TypeMetaLength { get; }

    /// <summary>The JSON as stored: without resourceVersion.</summary>
    public ReadOnlySpan<byte> Json => _value.Span[.._jsonLength];

    /// <summary>How many bytes <see cref="WriteTo"/> writes with type meta: the stored ones and ,"resourceVersion":"N".</summary>
    public int Length => _jsonLength + 21 + Digits(Revision);

    /// <summary>The raw JSON of metadata.labels (index 0) or of a selectable field (from 1); empty when absent.</summary>
    public ReadOnlySpan<byte> Field(int index)
    {
        var value = _value.Span;
        var at = _fieldsAt;
        var count = ObjectEncoder.ReadNumber(value, ref at);
        if (index >= count)
            return default;
        for (var i = 0; ; i++)
        {
            var offset = ObjectEncoder.ReadNumber(value, ref at);
            var length = ObjectEncoder.ReadNumber(value, ref at);
            if (i == index)
                return value.Slice(offset, length);
        }
    }

    /// <summary>Writes the object with its resourceVersion.</summary>
    /// <param name="withTypeMeta">False inside lists: upstream leaves out kind and apiVersion of built-in items.</param>
    public void WriteTo(IBufferWriter<byte> output, bool withTypeMeta = true)
    {
        var json = Json;
        var from = withTypeMeta ? 0 : TypeMetaLength;
        if (!withTypeMeta)
            output.Write("{"u8);
        output.Write(json[from.._spliceAt]);
        var span = output.GetSpan(44);
        ",\"resourceVersion\":\""u8.CopyTo(span);
        Utf8Formatter.TryFormat(Revision, span[20..], out var digits);
        span[20 + digits] = (byte)'"';
        output.Advance(21 + digits);
        output.Write(json[_spliceAt..]);
    }

    /// <summary>The object as a tree, resourceVersion included.</summary>
    public JsonMap Parse()
    {
        var obj = JsonParser.ParseMap(Json);
        obj.EnsureMap("metadata")["resourceVersion"] = Revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return obj;
    }

    private static int Digits(long number)
    {
        var digits = 1;
        for (; number >= 10; number /= 10)
            digits++;
        return digits;
    }

    /// <summary>The object as a contiguous document, resourceVersion included.</summary>
    public byte[] ToArray()
    {
        var buffer = new ArrayBufferWriter<byte>(Length);
        WriteTo(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}

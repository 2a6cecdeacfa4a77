using System.Text;

namespace Timonier.ApiServer.Aggregation;

/// <summary>
/// Writes the values of a header as lines of their own. The framework's client would join them with commas, and a reader in Go takes
/// "X-Remote-Group: a, b" for one group. Values are joined by <see cref="Separator"/> instead, which becomes the end of a line and the next one's name.
/// </summary>
internal sealed class HeaderLines(string name) : Encoding
{
    public const char Separator = '\u0001';

    private readonly byte[] _next = ASCII.GetBytes($"\r\n{name}: ");

    /// <summary>One value of all; what could end a line early is taken out.</summary>
    public static string Join(IEnumerable<string> values) => string.Join(Separator, values.Select(v => string.Concat(v.Where(c => !char.IsControl(c)))));

    public override int GetByteCount(char[] chars, int index, int count)
    {
        var text = chars.AsSpan(index, count);
        return UTF8.GetByteCount(text) + text.Count(Separator) * (_next.Length - 1);
    }

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
    {
        ReadOnlySpan<char> text = chars.AsSpan(charIndex, charCount);
        var at = byteIndex;
        while (text.IndexOf(Separator) is var end && end >= 0)
        {
            at += UTF8.GetBytes(text[..end], bytes.AsSpan(at));
            _next.CopyTo(bytes, at);
            at += _next.Length;
            text = text[(end + 1)..];
        }
        return at + UTF8.GetBytes(text, bytes.AsSpan(at)) - byteIndex;
    }

    public override int GetMaxByteCount(int charCount) => (charCount + 1) * Math.Max(3, _next.Length);

    public override int GetCharCount(byte[] bytes, int index, int count) => UTF8.GetCharCount(bytes, index, count);

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) => UTF8.GetChars(bytes, byteIndex, byteCount, chars, charIndex);

    public override int GetMaxCharCount(int byteCount) => UTF8.GetMaxCharCount(byteCount);
}

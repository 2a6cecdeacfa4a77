using System.Text;

namespace Timonier.Network.Dns;

/// <summary>
/// Names as text: lower case, no trailing dot, "" for the root. Bytes are Latin-1 characters; a dot or backslash inside a
/// label is escaped by a backslash, so that text and wire form map one to one.
/// </summary>
internal static class DnsName
{
    private const int LabelBytesMax = 63;
    private const int NameBytesMax = 255;

    /// <summary>Enough for every name of 255 bytes; a pointer must go backwards, but many short hops are an attack.</summary>
    private const int PointerHopsMax = 32;

    /// <summary>Reads the name at <paramref name="offset"/>, following compression pointers, and moves behind it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, out string name)
    {
        name = "";
        var text = new StringBuilder(64);
        var position = offset;
        var end = -1;
        var hops = 0;
        var bytesTotal = 1;
        while (true)
        {
            if (position >= message.Length)
                return false;
            int length = message[position];
            if (length >= 0xC0)
            {
                if (position + 1 >= message.Length || ++hops > PointerHopsMax)
                    return false;
                var target = ((length & 0x3F) << 8) | message[position + 1];
                if (target >= position)
                    return false;
                end = end < 0 ? position + 2 : end;
                position = target;
                continue;
            }
            if (length > LabelBytesMax)
                return false;
            position++;
            if (length == 0)
                break;
            bytesTotal += length + 1;
            if (bytesTotal > NameBytesMax || position + length > message.Length)
                return false;
            AppendLabel(text, message.Slice(position, length));
            position += length;
        }
        offset = end < 0 ? position : end;
        name = text.ToString();
        return true;
    }

    private static void AppendLabel(StringBuilder text, ReadOnlySpan<byte> label)
    {
        if (text.Length > 0)
            text.Append('.');
        foreach (var value in label)
        {
            if (value is (byte)'.' or (byte)'\\')
                text.Append('\\');
            text.Append(value is >= (byte)'A' and <= (byte)'Z' ? (char)(value | 0x20) : (char)value);
        }
    }

    /// <summary>Where the label that starts at <paramref name="start"/> ends: the next unescaped dot, or the end of the name.</summary>
    public static int LabelEnd(string name, int start)
    {
        for (var i = start; i < name.Length; i++)
        {
            if (name[i] == '\\')
                i++;
            else if (name[i] == '.')
                return i;
        }
        return name.Length;
    }

    /// <summary>The labels of a name from left to right.</summary>
    public static List<string> Labels(string name)
    {
        var labels = new List<string>();
        for (var start = 0; start < name.Length;)
        {
            var end = LabelEnd(name, start);
            labels.Add(name[start..end]);
            start = end + 1;
        }
        return labels;
    }

    /// <summary>Wire form without compression; false for an empty or too long label or name.</summary>
    public static bool TryEncode(string name, out byte[] encoded)
    {
        encoded = [];
        var bytes = new List<byte>(name.Length + 2);
        for (var start = 0; start < name.Length;)
        {
            var end = LabelEnd(name, start);
            var lengthAt = bytes.Count;
            bytes.Add(0);
            for (var i = start; i < end; i++)
            {
                if (name[i] == '\\' && i + 1 < end)
                    i++;
                if (name[i] > 0xFF)
                    return false;
                bytes.Add((byte)name[i]);
            }
            var length = bytes.Count - lengthAt - 1;
            if (length is 0 or > LabelBytesMax)
                return false;
            bytes[lengthAt] = (byte)length;
            start = end + 1;
        }
        bytes.Add(0);
        if (bytes.Count > NameBytesMax)
            return false;
        encoded = [.. bytes];
        return true;
    }

    /// <summary>As <see cref="TryEncode"/> for names that cannot be wrong, since validation let them in.</summary>
    public static byte[] Encode(string name) =>
        TryEncode(name, out var encoded) ? encoded : throw new ArgumentException($"not a DNS name: {name}", nameof(name));
}

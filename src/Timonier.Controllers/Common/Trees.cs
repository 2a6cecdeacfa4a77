using System.Buffers;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Api.Kinds;

namespace Timonier.Controllers.Common;

/// <summary>Typed values as trees and bytes, for patches, comparison and hashes.</summary>
internal static class Trees
{
    public static object? Of<T>(T value) where T : IJsonType<T> => JsonParser.Parse(Bytes(value));

    public static byte[] Bytes<T>(T value) where T : IJsonType<T>
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, JsonEncoder.Options))
            value.Write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    public static T Read<T>(ReadOnlySpan<byte> utf8) where T : IJsonType<T>
    {
        var reader = new Utf8JsonReader(utf8);
        reader.Read();
        return T.Read(ref reader);
    }

    /// <summary>Equal as JSON; records compare their lists by reference.</summary>
    public static bool Same<T>(T a, T b) where T : IJsonType<T>
    {
        if (ReferenceEquals(a, b))
            return true;
        var (x, y) = (Bytes(a), Bytes(b));
        return x.AsSpan().SequenceEqual(y) || JsonTree.DeepEquals(JsonParser.Parse(x), JsonParser.Parse(y));
    }

    /// <summary>The keys of all maps in order: equal values, equal bytes.</summary>
    public static object? Sorted(object? value)
    {
        if (value is JsonMap map)
        {
            foreach (var (_, item) in map)
                Sorted(item);
            map.SortKeys();
        }
        else if (value is JsonList list)
        {
            foreach (var item in list)
                Sorted(item);
        }
        return value;
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using Timonier.ApiServer.Registry;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>
/// One change of one object, one instance for all watchers: its frame is encoded when the first watcher needs it, and shared.
/// </summary>
internal sealed class WatchEvent(StoreEvent change)
{
    private byte[]? _frame;
    private ConcurrentDictionary<object, object>? _forms;

    public long Revision => change.Revision;

    public string Key => change.Key;

    /// <summary>The object now; null when it was deleted.</summary>
    public Entry? Current => change.Current;

    /// <summary>The object before; null when it was created.</summary>
    public Entry? Previous => change.Previous;

    /// <summary>What the event shows: of a deleted object the last state, with the revision of the delete.</summary>
    public EncodedObject Object => new(change.Current ?? change.Previous!, change.Revision);

    public WatchEventType Type => change.Current is null ? WatchEventType.Deleted : change.Previous is null ? WatchEventType.Added : WatchEventType.Modified;

    /// <summary>The line of a JSON watch in the stored version: {"type":...,"object":...} with line feed.</summary>
    public ReadOnlyMemory<byte> Frame => _frame ??= WatchFrames.Encode(Type, Object);

    /// <summary>Another form of the event (a decoded object, a converted or transformed frame), made once by the first who asks.</summary>
    /// <param name="form">Names the form; compared by equality.</param>
    public object Form(object form, Func<WatchEvent, object> make) =>
        (_forms ?? Interlocked.CompareExchange(ref _forms, new(), null) ?? _forms).GetOrAdd(form, static (_, a) => a.make(a.self), (self: this, make));
}

internal enum WatchEventType { Added, Modified, Deleted, Bookmark, Error }

/// <summary>The lines of a watch in JSON.</summary>
internal static class WatchFrames
{
    public static byte[] Encode(WatchEventType type, in EncodedObject obj)
    {
        var buffer = new ArrayBufferWriter<byte>(obj.Length + 40);
        Write(type, obj, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(WatchEventType type, in EncodedObject obj, IBufferWriter<byte> output)
    {
        output.Write(Prefix(type));
        obj.WriteTo(output);
        output.Write("}\n"u8);
    }

    /// <summary>Everything before the object; behind it stand a brace and a line feed.</summary>
    public static ReadOnlySpan<byte> Prefix(WatchEventType type) => type switch
    {
        WatchEventType.Added => "{\"type\":\"ADDED\",\"object\":"u8,
        WatchEventType.Modified => "{\"type\":\"MODIFIED\",\"object\":"u8,
        WatchEventType.Deleted => "{\"type\":\"DELETED\",\"object\":"u8,
        WatchEventType.Bookmark => "{\"type\":\"BOOKMARK\",\"object\":"u8,
        _ => "{\"type\":\"ERROR\",\"object\":"u8,
    };
}

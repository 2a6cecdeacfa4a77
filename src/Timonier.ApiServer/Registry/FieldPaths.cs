using System.Text;
using System.Text.Json;

namespace Timonier.ApiServer.Registry;

/// <summary>
/// The places in an object that its header points to: metadata.labels first, then the selectable fields. Finds them in one pass over the JSON.
/// </summary>
internal sealed class FieldPaths
{
    public const int Labels = 0;

    private readonly List<string> _paths = ["metadata.labels"];
    private readonly Step _root = new();

    /// <param name="selectable">Paths as a field selector names them; metadata.name and metadata.namespace need no place, the key has them.</param>
    public FieldPaths(IEnumerable<string> selectable)
    {
        _paths.AddRange(selectable.Where(p => p is not ("metadata.name" or "metadata.namespace")));
        for (var i = 0; i < _paths.Count; i++)
        {
            var step = _root;
            foreach (var name in JsonPathOf(_paths[i]).Split('.'))
                step = step.Next(name);
            step.Index = i;
        }
    }

    public int Count => _paths.Count;

    /// <summary>The index of a selectable field for <see cref="EncodedObject.Field"/>; -1 when it is none.</summary>
    public int IndexOf(string path) => _paths.IndexOf(path);

    public void Find(ReadOnlySpan<byte> json, Span<(int Offset, int Length)> found)
    {
        found.Clear();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        Walk(ref reader, _root, found);
    }

    // NOTE: upstream's "source" of an event is the component of the struct.
    private static string JsonPathOf(string path) => path == "source" ? "source.component" : path.TrimStart('.');

    private static void Walk(ref Utf8JsonReader reader, Step step, Span<(int Offset, int Length)> found)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            Step? next = null;
            foreach (var candidate in step.Children)
            {
                if (reader.ValueTextEquals(candidate.Name))
                    next = candidate.Step;
            }
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (next is { Index: < 0 } && reader.TokenType == JsonTokenType.StartObject)
                Walk(ref reader, next, found);
            else
                reader.Skip();
            if (next is { Index: >= 0 })
                found[next.Index] = (start, (int)reader.BytesConsumed - start);
        }
    }

    private sealed class Step
    {
        public int Index { get; set; } = -1;
        public List<(byte[] Name, Step Step)> Children { get; } = [];

        public Step Next(string name)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            foreach (var child in Children)
            {
                if (child.Name.AsSpan().SequenceEqual(bytes))
                    return child.Step;
            }
            var step = new Step();
            Children.Add((bytes, step));
            return step;
        }
    }
}

using System.Globalization;
using System.Text;
using Timonier.Api.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Timonier.Api.Yaml;

/// <summary>Reads YAML into trees as sigs.k8s.io/yaml does on the way to JSON: keys become text, anchors are opened up, within bounds.</summary>
public static class YamlReader
{
    /// <summary>What aliases may add in nodes to one stream: a short text must not become gigabytes.</summary>
    private const int AliasedNodesMax = 100_000;

    /// <summary>All documents that are not empty.</summary>
    /// <param name="onDuplicate">Called with upstream's message for each key that stands twice in one mapping; the last one counts.</param>
    /// <exception cref="FormatException">No YAML, with the line; too deep; too much by aliases; a value that JSON has not.</exception>
    public static List<object?> ReadAll(string text, Action<string>? onDuplicate = null)
    {
        var documents = new List<object?>();
        try
        {
            var run = new Run(new Parser(new StringReader(text)), onDuplicate);
            while (run.Next(out var document))
            {
                if (document is not null)
                    documents.Add(document);
            }
        }
        catch (YamlException e)
        {
            throw new FormatException($"error converting YAML to JSON: yaml: line {e.Start.Line}: {e.Message}", e);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"error converting YAML to JSON: yaml: {e.Message}", e); // a tag that is no URI
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException("error converting YAML to JSON: yaml: did not find expected node content", e); // how YamlDotNet reports some of what it cannot read
        }
        return documents;
    }

    /// <summary>The first document; null when there is none.</summary>
    /// <exception cref="FormatException">As <see cref="ReadAll"/>.</exception>
    public static object? Read(string text, Action<string>? onDuplicate = null) => ReadAll(text, onDuplicate) is [var first, ..] ? first : null;

    /// <summary>A body that is YAML or, which is YAML too but much faster read as such, JSON.</summary>
    /// <exception cref="FormatException">As <see cref="ReadAll"/>.</exception>
    public static object? Read(ReadOnlySpan<byte> utf8, Action<string>? onDuplicate = null)
    {
        var trimmed = utf8.TrimStart(" \t\r\n"u8);
        if (trimmed.Length > 0 && trimmed[0] == '{')
        {
            try
            {
                var value = JsonParser.Parse(utf8, out bool duplicates);
                if (!duplicates || onDuplicate is null)
                    return value;
                // Read as YAML, which tells the lines.
            }
            catch (System.Text.Json.JsonException)
            {
                // A flow mapping of YAML begins so too.
            }
        }
        return Read(Encoding.UTF8.GetString(utf8), onDuplicate);
    }

    private sealed class Run(Parser parser, Action<string>? onDuplicate)
    {
        private readonly Dictionary<AnchorName, object?> _anchors = [];
        private int _aliasedNodes;
        private int _depth;

        public bool Next(out object? document)
        {
            document = null;
            parser.TryConsume<StreamStart>(out _);
            if (!parser.TryConsume<DocumentStart>(out _))
                return false;
            _anchors.Clear();
            document = Node();
            parser.Consume<DocumentEnd>();
            return true;
        }

        private object? Node()
        {
            var start = parser.Current!.Start;
            if (parser.TryConsume<AnchorAlias>(out var alias))
                return Alias(alias);
            if (++_depth > JsonParser.MaxDepth)
                throw Fault(start, "exceeded max depth");
            object? node;
            if (parser.TryConsume<Scalar>(out var scalar))
            {
                node = ScalarValue(scalar);
                Anchor(scalar, node);
            }
            else if (parser.TryConsume<SequenceStart>(out var sequence))
            {
                var list = new JsonList();
                while (!parser.TryConsume<SequenceEnd>(out _))
                    list.Add(Node());
                Anchor(sequence, node = list);
            }
            else
            {
                var mapping = parser.Consume<MappingStart>();
                Anchor(mapping, node = Mapping());
            }
            _depth--;
            return node;
        }

        private void Anchor(NodeEvent start, object? node)
        {
            // Known only once it is whole: an anchor that holds itself is so an unknown one.
            if (!start.Anchor.IsEmpty)
                _anchors[start.Anchor] = node;
        }

        private object? Alias(AnchorAlias alias)
        {
            if (!_anchors.TryGetValue(alias.Value, out var node))
                throw Fault(alias.Start, $"unknown anchor '{alias.Value}' referenced");
            _aliasedNodes += Count(node);
            if (_aliasedNodes > AliasedNodesMax)
                throw Fault(alias.Start, "document contains excessive aliasing");
            if (_depth + JsonTree.DepthOf(node) > JsonParser.MaxDepth)
                throw Fault(alias.Start, "exceeded max depth");
            return JsonTree.DeepClone(node);
        }

        private static int Count(object? node) => node switch
        {
            JsonMap map => 1 + map.Sum(item => Count(item.Value)),
            JsonList list => 1 + list.Sum(Count),
            _ => 1,
        };

        private JsonMap Mapping()
        {
            var map = new JsonMap();
            JsonMap? merged = null;
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var at = parser.Current!.Start;
                var isMerge = parser.Current is Scalar { Value: "<<", Style: ScalarStyle.Plain };
                var key = KeyText(Node(), at);
                var value = Node();
                if (isMerge)
                {
                    Merge(merged ??= [], value, at);
                    continue;
                }
                if (onDuplicate is not null && map.ContainsKey(key))
                    onDuplicate($"line {at.Line}: key \"{key}\" already set in map");
                map[key] = value;
            }
            foreach (var (key, value) in merged ?? [])
            {
                if (!map.ContainsKey(key))
                    map[key] = value;
            }
            return map;
        }

        private static void Merge(JsonMap into, object? value, Mark at)
        {
            switch (value)
            {
                case JsonMap map:
                    foreach (var (key, item) in map)
                    {
                        if (!into.ContainsKey(key))
                            into[key] = item;
                    }
                    break;
                case JsonList list when list.All(i => i is JsonMap):
                    list.ForEach(i => Merge(into, i, at));
                    break;
                default:
                    throw Fault(at, "map merge requires map or sequence of maps as the value");
            }
        }

        private static string KeyText(object? key, Mark at) => key switch
        {
            string text => text,
            bool flag => flag ? "true" : "false",
            long or double => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
            null => "null",
            _ => throw Fault(at, "invalid map key"),
        };

        private static object? ScalarValue(Scalar scalar)
        {
            var tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
            if (tag == "tag:yaml.org,2002:binary")
            {
                try
                {
                    return Encoding.UTF8.GetString(Convert.FromBase64String(scalar.Value));
                }
                catch (FormatException)
                {
                    throw Fault(scalar.Start, "!!binary value contains invalid base64 data");
                }
            }
            if (tag == "tag:yaml.org,2002:str" || (scalar.Style != ScalarStyle.Plain && tag.Length == 0) || tag == "!")
                return scalar.Value;
            var value = YamlScalar.Resolve(scalar.Value);
            if (tag == "tag:yaml.org,2002:float" && value is long integer)
                return (double)integer;
            return value switch
            {
                double number when !double.IsFinite(number) => throw Fault(scalar.Start, $"json: unsupported value: {scalar.Value}"),
                // JSON has one kind of number: 1.0 is written, and read back, as 1.
                double number when double.IsInteger(number) && Math.Abs(number) < 9e18 => (long)number,
                _ => value,
            };
        }

        private static YamlException Fault(Mark at, string message) => new(at, at, message);
    }
}

using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>Finds what a path into a value (.spec.a, .map['key'], .list[0].b) leads to in its schema.</summary>
internal static class SchemaPath
{
    private static readonly JsonMap Text = new() { ["type"] = "string" };
    private static readonly JsonMap Metadata = new() { ["type"] = "object", ["properties"] = new JsonMap { ["name"] = Text, ["generateName"] = Text } };

    /// <summary>Null: no such path.</summary>
    public static JsonMap? Find(JsonMap schema, string path)
    {
        var at = 0;
        JsonMap? found = schema;
        while (at < path.Length && found is not null)
        {
            string name;
            if (path[at] == '.')
            {
                var end = path.AsSpan(at + 1).IndexOfAny('.', '[') is >= 0 and var next ? at + 1 + next : path.Length;
                name = path[(at + 1)..end];
                at = end;
            }
            else if (path[at] == '[' && path.IndexOf(']', at) is > 0 and var close)
            {
                name = path[(at + 1)..close].Trim('\'');
                at = close + 1;
            }
            else
            {
                return null;
            }
            if (name.Length == 0)
                return null;
            // What every object has need not be declared.
            if (ReferenceEquals(found, schema) && name is "metadata" or "apiVersion" or "kind")
                found = found.GetMap("properties")?.GetMap(name) ?? (name == "metadata" ? Metadata : Text);
            else
                found = found.GetMap("properties")?.GetMap(name) ?? found.GetMap("additionalProperties") ?? (int.TryParse(name, System.Globalization.CultureInfo.InvariantCulture, out _) ? found.GetMap("items") : null);
        }
        return path.Length == 0 ? null : found;
    }
}

namespace Timonier.Api.Schema;

/// <summary>Reads resources.schema: the groups with their versions, and every resource with its subresources.</summary>
internal static class ResourceText
{
    public static (List<ApiGroupSchema> Groups, List<ResourceSchema> Resources) Parse(string text, ApiSchema schema)
    {
        var groups = new List<ApiGroupSchema>();
        var resources = new List<ResourceSchema>();
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Split(' ');
            if (words[0] == "group")
            {
                groups.Add(new(Empty(words[1]), words[2]["preferred:".Length..], words[3]["versions:".Length..].Split(',')));
                continue;
            }
            var subresources = new List<SubresourceSchema>();
            while (i + 1 < lines.Length && lines[i + 1][0] == ' ')
                subresources.Add(ParseSubresource(lines[++i].Trim().Split(' ')));
            resources.Add(ParseResource(words, subresources, schema));
        }
        return (groups, resources);
    }

    private static string Empty(string text) => text == "-" ? "" : text;

    private static ResourceSchema ParseResource(string[] words, List<SubresourceSchema> subresources, ApiSchema schema)
    {
        var type = schema.Type(words[1]);
        var group = schema.Group(type.Group);
        var attributes = words.Skip(7).Select(w => w.Split(':', 2)).ToDictionary(w => w[0], w => w[1], StringComparer.Ordinal);
        string Get(string key) => attributes.GetValueOrDefault(key, "");
        string[] List(string key) => Get(key).Split(',', StringSplitOptions.RemoveEmptyEntries);
        var replacement = Get("replacement").Split('/');
        var stored = Get("stored").Split('/');
        return new ResourceSchema
        {
            GroupVersion = new(attributes.GetValueOrDefault("group", group.ApiGroup), group.Version),
            Plural = words[2],
            Singular = words[3],
            Kind = words[4],
            Namespaced = words[5] == "namespaced",
            Type = type,
            Served = words[6] switch { "default" => ServedState.Default, "optIn" => ServedState.OptIn, "aggregated" => ServedState.Aggregated, _ => ServedState.No },
            ShortNames = List("short"),
            Categories = List("categories"),
            SelectableFields = List("fields"),
            Verbs = Get("verbs") == "*" ? AllVerbs : List("verbs"),
            Subresources = subresources,
            StorageVersion = stored.Length == 2 ? new GroupVersion(Empty(stored[0]), stored[1]) : null,
            StorageVersionHash = Get("hash"),
            StoragePrefix = Get("prefix"),
            Introduced = Get("introduced"),
            Deprecated = Get("deprecated"),
            Removed = Get("removed"),
            Replacement = replacement.Length == 3 ? new GroupVersionKind(Empty(replacement[0]), replacement[1], replacement[2]) : null,
        };
    }

    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    private static SubresourceSchema ParseSubresource(string[] words)
    {
        GroupVersion? groupVersion = null;
        string[] verbs = [];
        var connect = false;
        foreach (var word in words.Skip(2))
        {
            if (word.StartsWith("verbs:", StringComparison.Ordinal))
                verbs = word[6..].Split(',');
            else if (word.StartsWith("group:", StringComparison.Ordinal))
                groupVersion = word[6..].Split('/') is [var g, var v] ? new GroupVersion(Empty(g), v) : null;
            else if (word == "connect")
                connect = true;
        }
        return new SubresourceSchema(words[0], words[1], groupVersion, verbs, connect);
    }
}

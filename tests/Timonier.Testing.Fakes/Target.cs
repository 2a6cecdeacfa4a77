using Timonier.Api.Schema;
using Timonier.Client;

namespace Timonier.Testing.Fakes;

/// <summary>What a path names.</summary>
internal sealed record Target(GroupVersionResource Resource, string Namespace, string Name, string Subresource)
{
    public string CollectionPath => ResourcePath.For(Resource, Namespace);

    public string ObjectPath => ResourcePath.For(Resource, Namespace, Name);

    public static Target Parse(string path)
    {
        var parts = path.Trim('/').Split('/').Select(Uri.UnescapeDataString).ToList();
        var core = parts[0] == "api";
        var (group, version) = core ? ("", parts[1]) : (parts[1], parts[2]);
        parts.RemoveRange(0, core ? 2 : 3);
        var @namespace = "";
        if (parts.Count >= 3 && parts[0] == "namespaces" && parts[2] is not ("status" or "finalize"))
        {
            @namespace = parts[1];
            parts.RemoveRange(0, 2);
        }
        return new(new(group, version, parts[0]), @namespace, parts.ElementAtOrDefault(1) ?? "", parts.ElementAtOrDefault(2) ?? "");
    }
}

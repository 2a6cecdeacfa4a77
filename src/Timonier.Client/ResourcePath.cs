using System.Text;
using Timonier.Api.Schema;

namespace Timonier.Client;

/// <summary>Where the API's resources live.</summary>
public static class ResourcePath
{
    /// <param name="namespace">Null or empty: all namespaces, or a resource without namespace.</param>
    /// <param name="name">Null or empty: the collection.</param>
    public static string For(GroupVersionResource resource, string? @namespace = null, string? name = null, string? subresource = null)
    {
        var path = new StringBuilder(resource.Group.Length == 0 ? "/api/" : "/apis/");
        if (resource.Group.Length > 0)
            path.Append(resource.Group).Append('/');
        path.Append(resource.Version);
        if (!string.IsNullOrEmpty(@namespace))
            path.Append("/namespaces/").Append(Uri.EscapeDataString(@namespace));
        path.Append('/').Append(resource.Resource);
        if (!string.IsNullOrEmpty(name))
            path.Append('/').Append(Uri.EscapeDataString(name));
        if (!string.IsNullOrEmpty(subresource))
            path.Append('/').Append(subresource);
        return path.ToString();
    }
}

/// <summary>Puts a query together; parameters without value are left out.</summary>
internal sealed class QueryBuilder
{
    private readonly StringBuilder _text = new();

    public QueryBuilder Add(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            _text.Append(_text.Length == 0 ? "" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return this;
    }

    public QueryBuilder Add(string name, long? value) => Add(name, value?.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public QueryBuilder Add(string name, bool value) => Add(name, value ? "true" : null);

    public override string ToString() => _text.ToString();
}

using System.Text.RegularExpressions;

namespace Timonier.ApiServer.Streaming;

/// <summary>
/// A page that is read through the proxy subresource links to its own server with paths from that server's root: the links get the path of the
/// proxy in front, so that they lead through it again. Links to elsewhere, and relative ones, stay.
/// </summary>
internal static partial class HtmlLinks
{
    /// <summary>The attributes that are links, by element, as upstream has them.</summary>
    private static readonly Dictionary<string, string[]> Links = new(StringComparer.OrdinalIgnoreCase)
    {
        ["a"] = ["href"], ["applet"] = ["codebase"], ["area"] = ["href"], ["audio"] = ["src"], ["base"] = ["href"], ["blockquote"] = ["cite"], ["body"] = ["background"],
        ["button"] = ["formaction"], ["command"] = ["icon"], ["del"] = ["cite"], ["embed"] = ["src"], ["form"] = ["action"], ["frame"] = ["longdesc", "src"],
        ["head"] = ["profile"],
        ["html"] = ["manifest"], ["iframe"] = ["longdesc", "src"], ["img"] = ["longdesc", "src", "usemap"], ["input"] = ["formaction", "src", "usemap"], ["ins"] = ["cite"],
        ["link"] = ["href"], ["object"] = ["classid", "codebase", "data", "usemap"], ["q"] = ["cite"], ["script"] = ["src"], ["source"] = ["src"],
        ["track"] = ["src"], ["video"] = ["poster", "src"],
    };

    /// <param name="prefix">The path of the proxy, without a slash at its end.</param>
    public static string Rewrite(string html, string prefix) => Element().Replace(html, element =>
        Links.TryGetValue(element.Groups["name"].Value, out var links)
            ? Attribute().Replace(element.Value, a => links.Contains(a.Groups["name"].Value, StringComparer.OrdinalIgnoreCase) ? a.Groups["start"].Value + Path(a.Groups["link"].Value, prefix) : a.Value)
            : element.Value);

    /// <summary>Also for the Location of a redirect.</summary>
    public static string Path(string link, string prefix) =>
        link.StartsWith('/') && !link.StartsWith("//", StringComparison.Ordinal) && !link.StartsWith(prefix, StringComparison.Ordinal) ? prefix + link : link;

    [GeneratedRegex("<(?<name>[a-zA-Z]+)\\s[^<>]*>")]
    private static partial Regex Element();

    [GeneratedRegex("(?<start>(?<=\\s)(?<name>[a-zA-Z]+)\\s*=\\s*[\"']?)(?<link>/[^\"'\\s>]*)")]
    private static partial Regex Attribute();
}

using Timonier.Api.Json;

namespace Timonier.ApiServer.Discovery;

/// <summary>The forms that a document of discovery comes in.</summary>
internal enum DiscoveryForm { Json, AggregatedV2, AggregatedV2Beta1 }

internal static class DiscoveryForms
{
    public static bool IsAggregated(this DiscoveryForm form) => form is DiscoveryForm.AggregatedV2 or DiscoveryForm.AggregatedV2Beta1;

    public static string Version(this DiscoveryForm form) => form == DiscoveryForm.AggregatedV2 ? "v2" : "v2beta1";

    public static string ContentType(this DiscoveryForm form) =>
        form.IsAggregated() ? $"application/json;g=apidiscovery.k8s.io;v={form.Version()};as=APIGroupDiscoveryList" : "application/json";

    public static byte[] Encode(this DiscoveryForm form, JsonMap document) => JsonEncoder.Encode(document);

    /// <summary>The first acceptable form in the order of the header; null when none is. Quality values are not weighed, as upstream.</summary>
    public static DiscoveryForm? Negotiate(string? accept, bool aggregated)
    {
        if (string.IsNullOrWhiteSpace(accept))
            return DiscoveryForm.Json;
        foreach (var range in accept.Split(','))
        {
            var words = range.Split(';', StringSplitOptions.TrimEntries);
            var json = words[0] is "application/json" or "*/*" or "application/*";
            if (!json)
                continue;
            if (!words.Any(w => w.StartsWith("as=", StringComparison.Ordinal)))
                return DiscoveryForm.Json;
            if (!aggregated || !words.Contains("as=APIGroupDiscoveryList") || !words.Contains("g=apidiscovery.k8s.io"))
                continue;
            if (words.Contains("v=v2"))
                return DiscoveryForm.AggregatedV2;
            if (words.Contains("v=v2beta1"))
                return DiscoveryForm.AggregatedV2Beta1;
        }
        return null;
    }
}

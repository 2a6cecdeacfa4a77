using Timonier.Api;
using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;

namespace Timonier.Controllers.Common;

/// <summary>
/// The content of a ControllerRevision: the pod template as the strategic merge patch that puts it back, in upstream's form
/// (<c>{"spec":{"template":{...,"$patch":"replace"}}}</c>), for kubectl rollout undo applies it as it stands.
/// </summary>
internal static class RevisionData
{
    public static byte[] Of(PodTemplateSpec template)
    {
        var tree = (JsonMap)Trees.Of(template)!;
        tree["$patch"] = "replace";
        // As Go wrote it until 1.33: upstream's suite compares the bytes with those of its own types.
        tree.EnsureMap("metadata")["creationTimestamp"] = null;
        return JsonEncoder.Encode(Trees.Sorted(new JsonMap { ["spec"] = new JsonMap { ["template"] = tree } }));
    }

    /// <summary>The template in a revision; null when it holds none.</summary>
    public static PodTemplateSpec? TemplateOf(ControllerRevision revision)
    {
        if (revision.Data?.ToTree() is not JsonMap data || data.GetPath("spec", "template") is not JsonMap template)
            return null;
        template = template.DeepClone();
        template.Remove("$patch");
        return Trees.Read<PodTemplateSpec>(JsonEncoder.Encode(template));
    }

    public static bool Holds(ControllerRevision revision, byte[] data) =>
        revision.Data is { } known && (known.Utf8.SequenceEqual(data) || JsonTree.DeepEquals(known.ToTree(), JsonParser.Parse(data)));
}

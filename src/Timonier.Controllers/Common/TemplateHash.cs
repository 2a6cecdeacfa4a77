using System.Globalization;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;

namespace Timonier.Controllers.Common;

/// <summary>
/// The hash of a pod template: FNV-32a over its JSON with sorted keys, written in letters that form no words. Upstream
/// hashes Go's print of its own structs, which nobody else can repeat; only stability matters.
/// </summary>
internal static class TemplateHash
{
    public const string Label = "pod-template-hash";
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    public static string Compute(PodTemplateSpec template, int? collisions) => Compute(JsonEncoder.Encode(Trees.Sorted(Trees.Of(template))), collisions);

    /// <param name="collisions">Changes the hash when another object has taken the name; null: never yet.</param>
    public static string Compute(ReadOnlySpan<byte> text, int? collisions)
    {
        var hash = Fnv(2166136261, text);
        if (collisions is { } count)
            hash = Fnv(hash, BitConverter.GetBytes(count));
        return string.Create(CultureInfo.InvariantCulture, $"{hash}").Aggregate("", (text, digit) => text + Alphabet[digit % Alphabet.Length]);
    }

    /// <summary>Do two templates make the same pods? The hash label is not theirs.</summary>
    public static bool SameTemplate(PodTemplateSpec a, PodTemplateSpec b) => Trees.Same(WithoutHash(a), WithoutHash(b));

    private static PodTemplateSpec WithoutHash(PodTemplateSpec template) =>
        !template.Metadata.Labels.ContainsKey(Label) ? template : template with { Metadata = template.Metadata with { Labels = template.Metadata.Labels.Without(Label) } };

    private static uint Fnv(uint hash, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
            hash = (hash ^ value) * 16777619;
        return hash;
    }
}

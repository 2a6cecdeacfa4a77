using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.CustomResources;

/// <summary>
/// Names faults of a definition as upstream does, which sees it in its internal form: what all versions have alike stands once, at the
/// top of the spec, under the names that the first version of the API had.
/// </summary>
internal static class DefinitionFaults
{
    private static readonly (string Field, string Inner, string Top)[] Shared =
    [
        ("schema", "schema.openAPIV3Schema", "validation.openAPIV3Schema"), ("subresources", "subresources", "subresources"), ("additionalPrinterColumns", "additionalPrinterColumns", "additionalPrinterColumns"),
    ];

    public static void Validate(JsonMap obj, JsonMap? old, FieldErrors errors)
    {
        var found = new FieldErrors();
        CustomResourceDefinitions.Validate(obj, old, found);
        var versions = (obj.GetPath("spec", "versions") as JsonList ?? []).OfType<JsonMap>().ToList();
        var alike = Shared.Where(s => versions.All(v => JsonTree.DeepEquals(v[s.Field], versions[0][s.Field]))).ToList();
        var seen = new HashSet<FieldError>();
        foreach (var error in found.Errors)
        {
            var named = Named(error, alike);
            if (seen.Add(named) || ReferenceEquals(named, error))
                errors.Add(named);
        }
    }

    private static FieldError Named(FieldError error, List<(string Field, string Inner, string Top)> alike)
    {
        const string Versions = "spec.versions[";
        if (!error.Field.StartsWith(Versions, StringComparison.Ordinal) || error.Field.IndexOf("].", StringComparison.Ordinal) is not (> 0 and var close))
            return error;
        var rest = error.Field[(close + 2)..];
        foreach (var (field, inner, top) in alike)
        {
            if (!rest.StartsWith(inner, StringComparison.Ordinal))
                continue;
            var path = "spec." + top + rest[inner.Length..];
            if (field == "additionalPrinterColumns")
                path = path.Replace(".jsonPath", ".JSONPath", StringComparison.Ordinal);
            return error with { Field = path, Detail = error.Detail.Replace(error.Field, path, StringComparison.Ordinal) };
        }
        return error;
    }
}

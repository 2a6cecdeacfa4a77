using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Content;

/// <summary>Between the version that a request speaks and the stored one; nothing to do where they are the same.</summary>
internal static class Converted
{
    /// <param name="obj">May be changed.</param>
    public static JsonMap FromStored(ApiCall call, JsonMap obj)
    {
        call.Resource.Converter?.FromStored(obj);
        return obj;
    }

    /// <summary>Fields that the request's version does not know are reported in its words, its defaults set, before it is converted.</summary>
    /// <param name="obj">May be changed.</param>
    public static JsonMap ToStored(ApiCall call, JsonMap obj, WriteOptions options, IList<string> warnings)
    {
        if (call.Resource.Converter is not { } converter)
            return obj;
        obj = Normalized(obj, call.Schema.Type, options, warnings);
        converter.ToStored(obj);
        return obj;
    }

    /// <summary>The form that upstream's types give: declared fields in declared order, canonical scalars, defaults; unknown fields are told or refused.</summary>
    public static JsonMap Normalized(JsonMap obj, Api.Schema.TypeSchema type, WriteOptions options, IList<string> warnings)
    {
        var unknown = options.FieldValidation == FieldValidation.Ignore ? null : new List<string>();
        var result = Normalizer.Normalize(obj, type, unknown);
        if (unknown is { Count: > 0 })
        {
            if (options.FieldValidation == FieldValidation.Strict)
                throw Normalizer.StrictError(obj, type, unknown);
            foreach (var warning in unknown.Where(w => !warnings.Contains(w)))
                warnings.Add(warning);
        }
        Defaults.Apply(result, type);
        return result;
    }
}

using System.Globalization;
using Microsoft.Extensions.Primitives;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Streaming;

/// <summary>The options of a stream or proxy stand in its query and path; admission sees them as an object (PodExecOptions, ServiceProxyOptions, ...).</summary>
internal static class ConnectOptions
{
    /// <summary>Null where the schema knows no such object.</summary>
    public static JsonMap? Of(ApiCall call)
    {
        if (call.Schema.Subresource(call.Info.Subresource) is not { } subresource)
            return null;
        var version = subresource.GroupVersion ?? call.Schema.GroupVersion;
        if (call.Core.Options.Schema.FindKind(version, subresource.Kind) is not { } type)
            return null;
        var options = new JsonMap { ["kind"] = subresource.Kind, ["apiVersion"] = version.ToString() };
        foreach (var field in type.JsonFields)
        {
            var given = field.Name == "path" ? new StringValues(call.Info.Rest) : call.Http.Request.Query[field.Name];
            if (Value(field.Type, given) is { } value)
                options[field.Name] = value;
        }
        return options;
    }

    private static object? Value(FieldType type, StringValues given) => type.Kind switch
    {
        ValueKind.Bool => given.Count > 0 && RequestInfoParser.IsTrue(given) ? true : null,
        ValueKind.List => Items(type.Element!, given) is { Count: > 0 } items ? items : null,
        ValueKind.Int32 => int.TryParse(given, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? (long)number : null,
        _ => given is [{ Length: > 0 } text, ..] ? text : null,
    };

    private static JsonList Items(FieldType element, StringValues given) => new(given.Select(g => Value(element, g)).OfType<object>());
}

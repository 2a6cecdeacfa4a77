using System.Text.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Meta.V1;

namespace Timonier.Client;

/// <summary>An object of any kind by its metadata alone. Kind and apiVersion are PartialObjectMetadata's own when the server cut the object down.</summary>
public sealed record PartialObject(string ApiVersion, string Kind, ObjectMeta Metadata)
{
    internal static PartialObject Read(ref Utf8JsonReader reader)
    {
        JsonRead.ExpectObject(ref reader, "PartialObjectMetadata");
        string apiVersion = "", kind = "";
        var metadata = ObjectMeta.Empty;
        while (JsonRead.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("apiVersion"u8) && reader.Read())
                apiVersion = reader.GetString() ?? "";
            else if (reader.ValueTextEquals("kind"u8) && reader.Read())
                kind = reader.GetString() ?? "";
            else if (reader.ValueTextEquals("metadata"u8) && reader.Read())
                metadata = ObjectMeta.Read(ref reader);
            else
                JsonRead.SkipValue(ref reader);
        }
        return new(apiVersion, kind, metadata);
    }
}

using System.Security.Cryptography;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>What another server behind an APIService says of its part of the API.</summary>
/// <param name="Hash">Another one when anything of it has changed.</param>
/// <param name="DocumentAddress">The address of the group version's document in its /openapi/v3; null: it has none.</param>
/// <param name="Paths">Of its /openapi/v2, those of the group version.</param>
/// <param name="Definitions">All of its /openapi/v2.</param>
public sealed record RemoteOpenApi(GroupVersion GroupVersion, string Hash, string? DocumentAddress, IReadOnlyList<(string Name, JsonMap Value)> Paths, IReadOnlyList<(string Name, JsonMap Value)> Definitions)
{
    /// <param name="index">Its /openapi/v3; null: it serves none.</param>
    /// <param name="swagger">Its /openapi/v2; null: it serves none.</param>
    public static RemoteOpenApi Read(GroupVersion version, JsonMap? index, JsonMap? swagger)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(JsonEncoder.Encode(index ?? []));
        hash.AppendData(JsonEncoder.Encode(swagger ?? []));
        var prefix = $"/apis/{version}/";
        return new(
            version, Convert.ToHexString(hash.GetHashAndReset()),
            (index?.GetMap("paths")?.GetMap($"apis/{version}"))?.GetString("serverRelativeURL"),
            [.. Members(swagger?.GetMap("paths")).Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal) || p.Name == prefix)],
            [.. Members(swagger?.GetMap("definitions"))]);
    }

    private static IEnumerable<(string Name, JsonMap Value)> Members(JsonMap? map) =>
        from member in map ?? [] where member.Value is JsonMap select (member.Key, (JsonMap)member.Value!);
}

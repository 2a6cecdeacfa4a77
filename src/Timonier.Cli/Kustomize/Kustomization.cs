using Timonier.Api.Json;

namespace Timonier.Cli.Kustomize;

/// <summary>Builds the objects of a kustomization directory.</summary>
internal static class Kustomization
{
    public static IReadOnlyList<JsonMap> Build(string directory) => throw new CliException(directory);
}

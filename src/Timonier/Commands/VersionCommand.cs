using System.CommandLine;
using System.Reflection;

namespace Timonier.Commands;

/// <summary>timonier version.</summary>
internal static class VersionCommand
{
    /// <summary>The level of the Kubernetes API that is served.</summary>
    public const string KubernetesVersion = "v1.36.2";

    public static string ProgramVersion { get; } = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", "Show the version of this program and of the Kubernetes API it serves");
        command.SetAction(_ => Console.Out.WriteLine($"timonier {ProgramVersion}, Kubernetes {KubernetesVersion}"));
        return command;
    }
}

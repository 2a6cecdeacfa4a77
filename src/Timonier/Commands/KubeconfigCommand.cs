using System.CommandLine;
using Timonier.Local;

namespace Timonier.Commands;

/// <summary>timonier kubeconfig: the administrator's kubeconfig on standard output.</summary>
internal static class KubeconfigCommand
{
    public static Command Create()
    {
        var dataDirectory = ServerCommandOptions.DataDirectoryOption();
        var command = new Command("kubeconfig", "Print the administrator's kubeconfig") { dataDirectory };
        command.SetAction(parsed =>
        {
            var paths = new ClusterPaths(Path.GetFullPath(parsed.GetValue(dataDirectory)!));
            try
            {
                Console.Out.Write(File.ReadAllText(paths.AdminKubeconfig));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new CommandException($"there is no cluster in {paths.DataDirectory}: start one with: timonier up", e);
            }
            catch (UnauthorizedAccessException e)
            {
                throw new CommandException($"{paths.AdminKubeconfig} may be read by its owner alone", e);
            }
        });
        return command;
    }
}

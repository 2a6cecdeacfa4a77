using System.CommandLine;
using System.Globalization;
using Timonier.Kubelet;
using Timonier.Kubelet.Cri;
using Timonier.Kubelet.Images;
using Timonier.Local;

namespace Timonier.Commands;

/// <summary>timonier image: what this machine's node has to run containers from, without any registry.</summary>
internal static class ImageCommand
{
    private static readonly Option<string> DataDirectory = ServerCommandOptions.DataDirectoryOption();

    public static Command Create() => new("image", "Build, import, list and remove the images of this machine's node") { Build(), Import(), List(), Remove() };

    private static Command Build()
    {
        var name = new Option<string>("--tag", "-t") { Description = "The image's name: NAME[:TAG]", Required = true };
        var file = new Option<string?>("--file", "-f") { Description = "The Dockerfile (default: DIRECTORY/Dockerfile)" };
        var directory = new Argument<string>("DIRECTORY") { Description = "The build's context" };
        var command = new Command("build", "Build an image from a Dockerfile, with buildah") { name, file, directory, DataDirectory };
        command.SetAction((parsed, cancel) => WithStoreAsync(parsed, store =>
            store.BuildAsync(Path.GetFullPath(parsed.GetValue(directory)!), parsed.GetValue(name)!, parsed.GetValue(file) is { } path ? Path.GetFullPath(path) : null, Console.WriteLine, cancel)));
        return command;
    }

    private static Command Import()
    {
        var files = new Argument<string[]>("FILE") { Description = "OCI or docker archives", Arity = ArgumentArity.OneOrMore };
        var command = new Command("import", "Import image archives, under the names they carry") { files, DataDirectory };
        command.SetAction((parsed, cancel) => WithStoreAsync(parsed, async store =>
        {
            foreach (var file in parsed.GetValue(files)!)
            {
                if (!File.Exists(file))
                    throw new CommandException($"there is no file {file}");
                await store.ImportAsync(Path.GetFullPath(file), cancel);
            }
        }));
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "List the images") { DataDirectory };
        command.SetAction((parsed, cancel) => WithStoreAsync(parsed, async store =>
        {
            var rows = (await store.ListAsync(cancel)).SelectMany(i => (i.Names.Count > 0 ? i.Names : i.Digests).Select(n => (Name: n, i.Id, i.Size))).OrderBy(r => r.Name, StringComparer.Ordinal).ToArray();
            var width = rows.Select(r => r.Name.Length).Append("IMAGE".Length).Max() + 3;
            Console.WriteLine($"{"IMAGE".PadRight(width)}{"ID",-15}SIZE");
            foreach (var (name, id, size) in rows)
                Console.WriteLine($"{name.PadRight(width)}{id.Replace("sha256:", "", StringComparison.Ordinal)[..12],-15}{(size / 1e6).ToString("0.0", CultureInfo.InvariantCulture)} MB");
        }));
        return command;
    }

    private static Command Remove()
    {
        var names = new Argument<string[]>("NAME") { Description = "Image names", Arity = ArgumentArity.OneOrMore };
        var command = new Command("rm", "Remove images") { names, DataDirectory };
        command.SetAction((parsed, cancel) => WithStoreAsync(parsed, async store =>
        {
            foreach (var name in parsed.GetValue(names)!)
            {
                if (!await store.RemoveAsync(name, cancel))
                    throw new CommandException($"there is no image {name}");
            }
        }));
        return command;
    }

    private static async Task<int> WithStoreAsync(ParseResult parsed, Func<ImageStore, Task> action)
    {
        var paths = new ClusterPaths(Path.GetFullPath(parsed.GetValue(DataDirectory)!));
        if (!File.Exists(paths.Containerd.SocketPath))
            throw new CommandException("no cluster with a node runs here: start one with: timonier up");
        try
        {
            using var store = new ImageStore(paths.Containerd, TimeProvider.System);
            await action(store);
            return 0;
        }
        catch (Exception e) when (e is CriException or ProcessFailedException)
        {
            throw new CommandException(e.Message, e);
        }
    }
}

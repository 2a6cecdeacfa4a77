using System.CommandLine;
using System.Formats.Tar;
using System.IO.Pipelines;
using Timonier.Cli.Streams;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl cp: files to and from a container, as a tar stream through the container's own tar.</summary>
internal sealed class CopyVerb(CliShell shell)
{
    private readonly Argument<string> _from = new("src");
    private readonly Argument<string> _to = new("dest");
    private readonly Option<string?> _container = new("--container", "-c") { Description = "Container name." };
    private readonly Option<bool> _noPreserve = new("--no-preserve") { Description = "The copied file/directory's ownership and permissions will not be preserved in the container" };
    private readonly Option<int> _retries = new("--retries") { Description = "Set number of retries to complete a copy operation from a container." };

    public Command Create() => shell.Verb("cp", "Copy files and directories to and from containers", RunAsync, _from, _to, _container, _noPreserve, _retries);

    /// <summary>"ns/pod:path", "pod:path"; null for a path of this machine.</summary>
    private static (string? Namespace, string Pod, string Path)? Remote(string text)
    {
        var colon = text.IndexOf(':');
        if (colon <= 0 || text[0] is '.' or '/')
            return null;
        return text[..colon].Split('/') switch
        {
            [var pod] => (null, pod, text[(colon + 1)..]),
            [var place, var pod] => (place, pod, text[(colon + 1)..]),
            _ => null,
        };
    }

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var (from, to) = (Remote(call.Get(_from)), Remote(call.Get(_to)));
        if (from is null == to is null)
            throw new CliException(from is null ? "one of src or dest must be a remote file specification" : "one of src or dest must be a local file specification");
        var remote = from ?? to!.Value;
        if (remote.Path.Length == 0)
            throw new CliException("filepath can not be empty");
        var pod = await call.Cluster.Client.GetTreeAsync(PodTarget.Pods, remote.Namespace ?? call.Namespace, remote.Pod, cancellationToken: cancel);
        var container = PodTarget.Container(call, pod, call.Get(_container), quiet: false);
        var path = ResourcePath.For(PodTarget.Pods, remote.Namespace ?? call.Namespace, remote.Pod, "exec");
        return from is not null
            ? await DownloadAsync(call, path, container, remote.Path, Path.Combine(call.Environment.CurrentDirectory, call.Get(_to)), cancel)
            : await UploadAsync(call, path, container, Path.Combine(call.Environment.CurrentDirectory, call.Get(_from)), remote.Path, cancel);
    }

    private static string Query(string container, bool stdin, params string[] command) =>
        $"container={Uri.EscapeDataString(container)}{string.Concat(command.Select(c => "&command=" + Uri.EscapeDataString(c)))}&stdin={(stdin ? "true" : "false")}&stdout=true&stderr=true";

    private async Task<int> UploadAsync(CliCall call, string path, string container, string local, string remote, CancellationToken cancel)
    {
        if (!File.Exists(local) && !Directory.Exists(local))
            throw new CliException($"{call.Get(_from)} doesn't exist in local filesystem");
        // Into a directory that is there, under its own name; else as what was named.
        var isDirectory = await RemoteProcess.RunAsync(call.Cluster, path, Query(container, false, "test", "-d", remote), null, Stream.Null, Stream.Null, false, cancel) == 0;
        var (directory, name) = isDirectory || remote.EndsWith('/') ? (remote, Path.GetFileName(local.TrimEnd('/'))) : (Parent(remote), remote[(remote.LastIndexOf('/') + 1)..]);
        var pipe = new Pipe();
        var packing = PackAsync(pipe.Writer, local, name, cancel);
        string[] command = call.Get(_noPreserve) ? ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", directory] : ["tar", "-xmf", "-", "-C", directory];
        var code = await RemoteProcess.RunAsync(call.Cluster, path, Query(container, true, command), pipe.Reader.AsStream(), Stream.Null, new TextStream(call.Error), false, cancel);
        await packing;
        return code == 0 ? 0 : throw new CliException($"command terminated with exit code {code}", code);
    }

    private static string Parent(string path) => path.LastIndexOf('/') switch { < 0 => ".", 0 => "/", var at => path[..at] };

    private static async Task PackAsync(PipeWriter output, string local, string name, CancellationToken cancel)
    {
        await using var stream = output.AsStream();
        await using var tar = new TarWriter(stream, TarEntryFormat.Pax);
        if (File.Exists(local))
        {
            await tar.WriteEntryAsync(local, name, cancel);
            return;
        }
        await tar.WriteEntryAsync(local, name, cancel);
        foreach (var entry in Directory.EnumerateFileSystemEntries(local, "*", SearchOption.AllDirectories))
            await tar.WriteEntryAsync(entry, name + "/" + Path.GetRelativePath(local, entry), cancel);
    }

    private static async Task<int> DownloadAsync(CliCall call, string path, string container, string remote, string local, CancellationToken cancel)
    {
        var pipe = new Pipe();
        var running = RunAsync(call, path, container, remote, pipe.Writer, cancel);
        await UnpackAsync(call, pipe.Reader, remote.Trim('/'), local, cancel);
        var code = await running;
        return code == 0 ? 0 : throw new CliException($"command terminated with exit code {code}", code);
    }

    private static async Task<int> RunAsync(CliCall call, string path, string container, string remote, PipeWriter output, CancellationToken cancel)
    {
        try
        {
            return await RemoteProcess.RunAsync(call.Cluster, path, Query(container, false, "tar", "cf", "-", remote), null, output.AsStream(leaveOpen: true), new TextStream(call.Error), false, cancel);
        }
        finally
        {
            await output.CompleteAsync();
        }
    }

    private static async Task UnpackAsync(CliCall call, PipeReader input, string remote, string local, CancellationToken cancel)
    {
        await using var stream = input.AsStream();
        await using var tar = new TarReader(stream);
        var target = Directory.Exists(local) ? Path.Combine(local, Path.GetFileName(remote)) : local;
        while (await Next(tar, cancel) is { } entry)
        {
            var name = entry.Name.Trim('/');
            var rest = name.StartsWith(remote, StringComparison.Ordinal) ? name[remote.Length..].TrimStart('/') : Path.GetFileName(name);
            var to = Path.GetFullPath(rest.Length == 0 ? target : Path.Combine(target, rest));
            // What the container sends must stay below the place that was named.
            if (to != Path.GetFullPath(target) && !to.StartsWith(Path.GetFullPath(target) + "/", StringComparison.Ordinal))
            {
                call.Error.WriteLine($"warning: skipping file \"{entry.Name}\": it would be written outside of the destination");
                continue;
            }
            if (entry.EntryType == TarEntryType.Directory)
                Directory.CreateDirectory(to);
            else if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink)
                call.Error.WriteLine($"warning: skipping symlink: \"{to}\" -> \"{entry.LinkName}\" (consider using \"kubectl exec -n \"{call.Namespace}\" -- tar cf - \"{remote}\" | tar xf -\")");
            else if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                await entry.ExtractToFileAsync(to, overwrite: true, cancel);
            }
        }
        // Whatever follows the archive's end is read, so that the other side can finish.
        await stream.CopyToAsync(Stream.Null, cancel);
    }

    private static async ValueTask<TarEntry?> Next(TarReader tar, CancellationToken cancel)
    {
        try
        {
            return await tar.GetNextEntryAsync(cancellationToken: cancel);
        }
        catch (EndOfStreamException)
        {
            return null;
        }
    }
}

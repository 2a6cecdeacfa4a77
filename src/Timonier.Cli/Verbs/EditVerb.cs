using System.CommandLine;
using System.Diagnostics;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Yaml;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl edit: objects in the person's own editor (KUBE_EDITOR, EDITOR, vi), one after the other; what the server refuses is edited again.</summary>
internal sealed class EditVerb(CliShell shell)
{
    private readonly Argument<string[]> _words = new("type") { Arity = ArgumentArity.ZeroOrMore };
    private readonly ManifestFlags _manifests = new();
    private readonly MutationFlags _mutation = new("kubectl-edit");
    private readonly Option<string?> _subresource = new("--subresource") { Description = "If specified, edit will operate on the subresource of the requested object." };

    public Command Create() => shell.Verb("edit", "Edit a resource on the server", RunAsync, [_words, .. _manifests.Symbols, .. _mutation.Symbols, _subresource]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var failed = false;
        foreach (var target in await ObjectTargets.ReadAsync(call, call.Get(_words), _manifests, null, false, cancel))
            failed |= !await EditAsync(call, target, cancel);
        return failed ? 1 : 0;
    }

    private async Task<bool> EditAsync(CliCall call, ResourceObject target, CancellationToken cancel)
    {
        var original = target.Object.DeepClone();
        original.GetMap("metadata")?.Remove("managedFields");
        var (text, note) = (YamlWriter.Write(OutputFlags.Sorted(original)), "");
        var file = Path.Combine(Path.GetTempPath(), $"kubectl-edit-{Path.GetRandomFileName()}.yaml");
        while (true)
        {
            var shown = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n" + note + text;
            await File.WriteAllTextAsync(file, shown, cancel);
            await RunEditorAsync(call, file, cancel);
            var edited = await File.ReadAllTextAsync(file, cancel);
            if (edited == shown || edited.Split('\n').All(l => l.Trim().Length == 0 || l.StartsWith('#')))
            {
                File.Delete(file);
                call.Error.WriteLine(note.Length > 0 ? "error: Edit cancelled, no valid changes were saved." : "Edit cancelled, no changes made.");
                return note.Length == 0;
            }
            text = string.Join('\n', edited.Split('\n').Where(l => !l.StartsWith('#')));
            try
            {
                var changed = YamlReader.Read(text) as JsonMap ?? throw new FormatException("it is no object");
                var patch = MergePatch.Create(original, changed);
                if (patch.Count == 0)
                {
                    call.Error.WriteLine("Edit cancelled, no changes made.");
                    File.Delete(file);
                    return true;
                }
                var done = _mutation.ClientOnly(call) ? changed : await _mutation.PatchAsync(call, target, PatchBody.MergeType, patch, cancel, call.Get(_subresource));
                _mutation.Report(call, ResourceArguments.Wrap(target.Resource, done), "edited");
                File.Delete(file);
                return true;
            }
            catch (Exception e) when (e is FormatException or ApiException)
            {
                var reason = e is ApiException refused ? CliShell.Describe(refused, call) : e.Message;
                note = $"# {target.Resource.Resource.Resource} \"{target.Name}\" was not valid:\n{string.Concat(reason.Split('\n').Select(l => $"# * {l}\n"))}#\n";
            }
        }
    }

    private static async Task RunEditorAsync(CliCall call, string file, CancellationToken cancel)
    {
        var editor = new[] { "KUBE_EDITOR", "EDITOR" }.Select(call.Environment.Variable).FirstOrDefault(e => !string.IsNullOrEmpty(e)) ?? "vi";
        // By a shell: the variable may hold flags and quotes. It inherits the terminal.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", editor + " \"$0\"", file]));
        await process!.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new CliException($"there was a problem with the editor \"{editor}\"");
    }
}

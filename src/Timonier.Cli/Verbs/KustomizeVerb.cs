using System.CommandLine;
using Timonier.Api.Yaml;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl kustomize DIR: the objects that it makes, as YAML.</summary>
internal sealed class KustomizeVerb(CliShell shell)
{
    private readonly Argument<string> _directory = new("dir") { DefaultValueFactory = _ => "." };

    public Command Create() => shell.Verb("kustomize", "Build a kustomization target from a directory", (call, _) =>
    {
        var first = true;
        foreach (var obj in Cli.Kustomize.Kustomization.Build(Path.Combine(call.Environment.CurrentDirectory, call.Get(_directory))))
        {
            if (!first)
                call.Out.WriteLine("---");
            call.Out.Write(YamlWriter.Write(Printing.OutputFlags.Sorted(obj)));
            first = false;
        }
        return Task.FromResult(0);
    }, _directory);
}

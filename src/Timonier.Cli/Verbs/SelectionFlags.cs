using System.CommandLine;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>Flags that choose objects: -l, --field-selector, -A.</summary>
internal sealed class SelectionFlags
{
    public Option<string?> Label { get; } = new("--selector", "-l") { Description = "Selector (label query) to filter on." };
    public Option<string?> Field { get; } = new("--field-selector") { Description = "Selector (field query) to filter on." };
    public Option<bool> AllNamespaces { get; } = new("--all-namespaces", "-A") { Description = "If present, list the requested object(s) across all namespaces." };

    public Symbol[] Symbols => [Label, Field, AllNamespaces];

    public ListOptions Options(CliCall call) => new() { LabelSelector = call.Get(Label) ?? "", FieldSelector = call.Get(Field) ?? "" };

    /// <summary>Null: all of them.</summary>
    public string? Namespace(CliCall call) => call.Get(AllNamespaces) ? null : call.Namespace;

    public bool Any(CliCall call) => !string.IsNullOrEmpty(call.Get(Label)) || !string.IsNullOrEmpty(call.Get(Field));
}

using System.CommandLine;
using System.Globalization;
using Timonier.Api.Json;
using Timonier.Cli.Printing;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>kubectl events: what happened, oldest first.</summary>
internal sealed class EventsVerb(CliShell shell)
{
    private static readonly Api.Schema.GroupVersionResource Events = new("", "v1", "events");

    private readonly Option<bool> _allNamespaces = new("--all-namespaces", "-A") { Description = "If present, list the requested object(s) across all namespaces." };
    private readonly Option<string?> _for = new("--for") { Description = "Filter events to only those pertaining to the specified resource." };
    private readonly Option<string[]> _types = new("--types") { Description = "Output only events of given types." };
    private readonly Option<bool> _watch = new("--watch", "-w") { Description = "After listing the requested events, watch for more events." };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "When using the default output format, don't print headers." };
    private readonly OutputFlags _output = new();

    public Command Create() => shell.Verb("events", "List events", RunAsync, [_allNamespaces, _for, _types, _watch, _noHeaders, .. _output.Symbols]);

    private async Task<int> RunAsync(CliCall call, CancellationToken cancel)
    {
        var place = call.Get(_allNamespaces) ? null : call.Namespace;
        var options = new ListOptions { FieldSelector = await SelectorAsync(call, cancel) };
        var list = await call.Cluster.Client.ListTreesAsync(Events, place, options, cancel);
        var events = list.Items.Where(e => IsWanted(call, e)).OrderBy(LastSeen).ToList();
        if (_output.Format(call).Length > 0)
        {
            _output.Write(call, OutputFlags.ListOf(events), []);
            return 0;
        }
        var table = new TextTable(call.Out);
        if (events.Count == 0 && !call.Get(_watch))
            call.Error.WriteLine(place is null ? "No events found." : $"No events found in {place} namespace.");
        else if (!call.Get(_noHeaders))
            table.Add([.. place is null ? new[] { "NAMESPACE" } : [], "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
        foreach (var entry in events)
            table.Add(Row(call, entry, place is null));
        table.Flush();
        if (call.Get(_watch))
        {
            await foreach (var change in call.Cluster.Client.WatchTreesAsync(Events, place, options with { ResourceVersion = list.ResourceVersion }, cancel))
            {
                if (change.Type is not (WatchEventType.Added or WatchEventType.Modified) || change.Object is not { } entry || !IsWanted(call, entry))
                    continue;
                table.Add(Row(call, entry, place is null));
                table.Flush();
                await call.Out.FlushAsync(cancel);
            }
        }
        return 0;
    }

    private async Task<string> SelectorAsync(CliCall call, CancellationToken cancel)
    {
        if (call.Get(_for) is not { Length: > 0 } word)
            return "";
        var target = (await ObjectTargets.NamedAsync(call, [word], null, cancel))[0];
        return $"involvedObject.kind={target.Resource.Kind},involvedObject.name={target.Name}";
    }

    private bool IsWanted(CliCall call, JsonMap entry)
    {
        var types = (call.Get(_types) ?? []).SelectMany(t => t.Split(',')).ToList();
        return types.Count == 0 || types.Contains(entry.GetString("type") ?? "", StringComparer.OrdinalIgnoreCase);
    }

    private static DateTimeOffset LastSeen(JsonMap entry) =>
        DateTimeOffset.TryParse((string?)entry.GetPath("series", "lastObservedTime") ?? entry.GetString("lastTimestamp") ?? entry.GetString("eventTime"), CultureInfo.InvariantCulture, out var time) ? time : default;

    private static string[] Row(CliCall call, JsonMap entry, bool showNamespace)
    {
        var now = call.Environment.Time.GetUtcNow();
        var first = entry.GetString("firstTimestamp") ?? entry.GetString("eventTime");
        var (count, last) = entry.GetMap("series") is { } series ? (series.GetInteger("count") ?? 1, series.GetString("lastObservedTime")) : (entry.GetInteger("count") ?? 1, entry.GetString("lastTimestamp") ?? first);
        var age = count > 1 ? $"{CliText.Age(last, now)} (x{count.ToString(CultureInfo.InvariantCulture)} over {CliText.Age(first, now)})" : CliText.Age(last, now);
        var about = entry.GetMap("involvedObject") ?? [];
        string[] cells = [age, entry.GetString("type") ?? "", entry.GetString("reason") ?? "", $"{about.GetString("kind")}/{about.GetString("name")}", (entry.GetString("message") ?? "").Trim()];
        return showNamespace ? [(string?)entry.GetPath("metadata", "namespace") ?? "", .. cells] : cells;
    }
}

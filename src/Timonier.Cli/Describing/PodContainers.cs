using Timonier.Api.Json;
using Timonier.Cli.Printing;

namespace Timonier.Cli.Describing;

/// <summary>The containers of a pod with their states.</summary>
internal static class PodContainers
{
    public static void Describe(DescribeText text, string title, JsonList? containers, JsonList? statuses, Func<string?, string> time)
    {
        if (containers is not { Count: > 0 })
            return;
        text.Line(0, title);
        foreach (var container in containers.OfType<JsonMap>())
        {
            var status = (statuses ?? []).OfType<JsonMap>().FirstOrDefault(s => s.GetString("name") == container.GetString("name")) ?? [];
            text.Line(1, container.GetString("name") + ":");
            text.Line(2, "Container ID:", status.GetString("containerID") ?? "");
            text.Line(2, "Image:", container.GetString("image") ?? "");
            text.Line(2, "Image ID:", status.GetString("imageID") ?? "");
            text.List(2, "Ports:", (container.GetList("ports") ?? []).OfType<JsonMap>().Select(p => $"{JsonPathTemplate.Show(p["containerPort"])}/{p.GetString("protocol") ?? "TCP"}"));
            foreach (var words in new[] { "command", "args" })
            {
                if (container.GetList(words) is { Count: > 0 } list)
                {
                    text.Line(2, char.ToUpperInvariant(words[0]) + words[1..] + ":");
                    foreach (var word in list.OfType<string>())
                        text.Line(3, word.ReplaceLineEndings("\n      "));
                }
            }
            State(text, "State", status.GetMap("state"), time);
            State(text, "Last State", status.GetMap("lastState"), time);
            text.Line(2, "Ready:", status.GetBool("ready") == true ? "True" : "False");
            text.Line(2, "Restart Count:", JsonPathTemplate.Show(status["restartCount"] ?? 0L));
            foreach (var kind in new[] { "limits", "requests" })
            {
                if (container.GetMap("resources")?.GetMap(kind) is { Count: > 0 } amounts)
                {
                    text.Line(2, char.ToUpperInvariant(kind[0]) + kind[1..] + ":");
                    foreach (var (resource, amount) in amounts.OrderBy(a => a.Key, StringComparer.Ordinal))
                        text.Line(3, resource + ":", JsonPathTemplate.Show(amount));
                }
            }
            Environment(text, container);
            text.List(2, "Mounts:", (container.GetList("volumeMounts") ?? []).OfType<JsonMap>().Select(m => $"{m.GetString("mountPath")} from {m.GetString("name")} ({(m.GetBool("readOnly") == true ? "ro" : "rw")})"));
        }
    }

    private static void State(DescribeText text, string title, JsonMap? state, Func<string?, string> time)
    {
        if (state is not { Count: > 0 })
            return;
        var (name, detail) = (state.At(0).Key, state.At(0).Value as JsonMap ?? []);
        text.Line(2, title + ":", char.ToUpperInvariant(name[0]) + name[1..]);
        foreach (var key in new[] { "reason", "message" })
        {
            if (detail.GetString(key) is { Length: > 0 } words)
                text.Line(3, char.ToUpperInvariant(key[0]) + key[1..] + ":", words);
        }
        if (detail["exitCode"] is { } code)
            text.Line(3, "Exit Code:", JsonPathTemplate.Show(code));
        if (detail.GetString("startedAt") is { } started)
            text.Line(3, "Started:", time(started));
        if (detail.GetString("finishedAt") is { } finished)
            text.Line(3, "Finished:", time(finished));
    }

    private static void Environment(DescribeText text, JsonMap container)
    {
        var variables = (container.GetList("env") ?? []).OfType<JsonMap>().ToList();
        if (variables.Count == 0)
        {
            text.Line(2, "Environment:", "<none>");
            return;
        }
        text.Line(2, "Environment:");
        foreach (var variable in variables)
        {
            var source = variable.GetMap("valueFrom") is { Count: > 0 } from ? $"<set from {from.At(0).Key} {string.Join(' ', (from.At(0).Value as JsonMap ?? []).Select(p => $"{p.Key}={JsonPathTemplate.Show(p.Value)}"))}>" : variable.GetString("value") ?? "";
            text.Line(3, variable.GetString("name") + ":", source);
        }
    }
}

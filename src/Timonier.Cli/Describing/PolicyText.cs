using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>Namespaces and what limits them; roles and who has them; budgets and autoscalers.</summary>
internal static class PolicyText
{
    public static async Task NamespaceAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Labels", "Annotations");
        text.Field("Status", call.Status["phase"]);
        text.Conditions(call.Status, 0, "lastTransitionTime", "reason", "message");
        var client = call.Cluster.Client;
        var quotas = (await client.ListTreesAsync(new("", "v1", "resourcequotas"), call.Target.Name, null, cancel)).Items;
        text.Line(0, "");
        text.Line(0, quotas.Count == 0 ? "No resource quota." : "Resource Quotas");
        foreach (var quota in quotas)
        {
            text.Line(1, $"Name:\t{quota.GetPath("metadata", "name")}");
            QuotaRows(text, quota, 1, "--------\t---\t---");
        }
        var limits = (await client.ListTreesAsync(new("", "v1", "limitranges"), call.Target.Name, null, cancel)).Items;
        text.Line(0, "");
        text.Line(0, limits.Count == 0 ? "No LimitRange resource." : "Resource Limits");
        if (limits.Count > 0)
            LimitRows(text, limits, " ", "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    }

    public static Task QuotaAsync(DescribeCall call, CancellationToken cancel)
    {
        call.Text.Head(call.Object, "Name", "Namespace");
        if (call.Spec.GetList("scopes") is { Count: > 0 } scopes)
            call.Text.Field("Scopes", string.Join(", ", scopes));
        QuotaRows(call.Text, call.Object, 0, "--------\t----\t----");
        return Task.CompletedTask;
    }

    private static void QuotaRows(DescribeText text, JsonMap quota, int level, string rule)
    {
        text.Line(level, "Resource\tUsed\tHard");
        text.Line(level, rule);
        foreach (var (name, hard) in DescribeText.Sorted(quota.GetPath("status", "hard") as JsonMap))
            text.Line(level, $"{name}\t{DescribeText.Show(quota.GetPath("status", "used", name) ?? 0L)}\t{DescribeText.Show(hard)}");
    }

    public static Task LimitsAsync(DescribeCall call, CancellationToken cancel)
    {
        call.Text.Head(call.Object, "Name", "Namespace");
        LimitRows(call.Text, [call.Object], "", "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
        return Task.CompletedTask;
    }

    private static void LimitRows(DescribeText text, IReadOnlyList<JsonMap> ranges, string indent, string rule)
    {
        text.Line(0, indent + "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
        text.Line(0, indent + rule);
        foreach (var limit in ranges.SelectMany(r => r.GetMap("spec")?.GetList("limits") ?? []).OfType<JsonMap>())
        {
            string[] fields = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
            foreach (var resource in fields.SelectMany(f => (limit.GetMap(f) ?? []).Select(e => e.Key)).Distinct().Order(StringComparer.Ordinal))
                text.Line(0, $"{indent}{limit.GetString("type")}\t{resource}\t{string.Join('\t', fields.Select(f => DescribeText.Show(limit.GetMap(f)?[resource] ?? "-")))}");
        }
    }

    public static Task AccountAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations");
        IEnumerable<string> Names(string field) => (call.Object.GetList(field) ?? []).OfType<JsonMap>().Select(s => s.GetString("name") ?? "");
        text.List("Image pull secrets", Names("imagePullSecrets"));
        text.List("Mountable secrets", Names("secrets"));
        text.List("Tokens", []);
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    public static Task RoleAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Labels", "Annotations");
        text.Line(0, "PolicyRule:");
        text.Line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
        text.Line(1, "---------\t-----------------\t--------------\t-----");
        var rows = new Dictionary<(string Urls, string Names, string Resource), List<string>>();
        foreach (var rule in (call.Object.GetList("rules") ?? []).OfType<JsonMap>())
        {
            List<string> Words(string field) => [.. (rule.GetList(field) ?? []).OfType<string>()];
            var resources = Words("resources").SelectMany(r => Words("apiGroups").Select(g => g.Length == 0 ? r : $"{r}.{g}")).DefaultIfEmpty("");
            foreach (var (resource, name) in resources.SelectMany(r => Words("resourceNames").DefaultIfEmpty("").Select(n => (r, n))))
            {
                var key = ($"[{string.Join(' ', Words("nonResourceURLs"))}]", $"[{name}]", resource);
                if (!rows.TryGetValue(key, out var verbs))
                    rows[key] = verbs = [];
                verbs.AddRange(Words("verbs").Where(v => !verbs.Contains(v)));
            }
        }
        // As kubectl: URLs, then named objects, then whole resources.
        foreach (var (key, verbs) in rows.OrderBy(r => r.Key.Urls == "[]").ThenBy(r => r.Key.Names == "[]").ThenBy(r => r.Key.Urls, StringComparer.Ordinal).ThenBy(r => r.Key.Names, StringComparer.Ordinal).ThenBy(r => r.Key.Resource, StringComparer.Ordinal))
            text.Line(1, $"{key.Resource}\t{key.Urls}\t{key.Names}\t[{string.Join(' ', verbs)}]");
        return Task.CompletedTask;
    }

    public static Task BindingAsync(DescribeCall call, CancellationToken cancel)
    {
        var text = call.Text;
        text.Head(call.Object, "Name", "Labels", "Annotations");
        text.Line(0, "Role:");
        text.Field("Kind", call.Object.GetPath("roleRef", "kind"), 1);
        text.Field("Name", call.Object.GetPath("roleRef", "name"), 1);
        text.Line(0, "Subjects:");
        text.Line(1, "Kind\tName\tNamespace");
        text.Line(1, "----\t----\t---------");
        foreach (var subject in (call.Object.GetList("subjects") ?? []).OfType<JsonMap>())
            text.Line(1, $"{subject.GetString("kind")}\t{subject.GetString("name")}\t{subject.GetString("namespace")}");
        return Task.CompletedTask;
    }

    public static Task BudgetAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, status) = (call.Text, call.Status);
        text.Head(call.Object, "Name", "Namespace");
        text.FieldIf("Min available", call.Spec["minAvailable"]);
        text.FieldIf("Max unavailable", call.Spec["maxUnavailable"]);
        text.Field("Selector", call.Spec.GetMap("selector") is { } selector ? DescribeText.Selector(selector) : "<unset>");
        text.Line(0, "Status:");
        foreach (var (title, field) in new[] { ("Allowed disruptions", "disruptionsAllowed"), ("Current", "currentHealthy"), ("Desired", "desiredHealthy"), ("Total", "expectedPods") })
            text.Field("    " + title, status[field] ?? 0L);
        text.Events(call.Events);
        return Task.CompletedTask;
    }

    public static Task AutoscalerAsync(DescribeCall call, CancellationToken cancel)
    {
        var (text, spec, status) = (call.Text, call.Spec, call.Status);
        text.Head(call.Object, "Name", "Namespace", "Labels", "Annotations", "CreationTimestamp");
        var target = spec.GetMap("scaleTargetRef") ?? [];
        text.Field("Reference", $"{target.GetString("kind")}/{target.GetString("name")}");
        text.Line(0, "Metrics:\t( current / target )");
        foreach (var metric in (spec.GetList("metrics") ?? []).OfType<JsonMap>())
        {
            var name = DescribeText.Show(metric.GetPath("resource", "name") ?? metric.GetPath("containerResource", "name"));
            var now = (status.GetList("currentMetrics") ?? []).OfType<JsonMap>().FirstOrDefault(m => DescribeText.Show(m.GetPath("resource", "name")) == name)?.GetPath("resource", "current") as JsonMap;
            if (metric.GetPath("resource", "target") is not JsonMap wanted)
                text.Line(1, $"<{metric.GetString("type")}>");
            else if (wanted["averageUtilization"] is { } percent)
                text.Line(1, $"resource {name} on pods  (as a percentage of request):\t{(now?["averageUtilization"] is { } used ? $"{DescribeText.Show(used)}% ({DescribeText.Show(now["averageValue"])})" : "<unknown>")} / {DescribeText.Show(percent)}%");
            else
                text.Line(1, $"resource {name} on pods:\t{DescribeText.Show(now?["averageValue"] ?? "<unknown>")} / {DescribeText.Show(wanted["averageValue"])}");
        }
        text.Field("Min replicas", spec["minReplicas"] ?? "<unset>");
        text.Field("Max replicas", spec["maxReplicas"]);
        text.Field($"{target.GetString("kind")} pods", $"{DescribeText.Show(status["currentReplicas"] ?? 0L)} current / {DescribeText.Show(status["desiredReplicas"] ?? 0L)} desired");
        text.Conditions(status, 0, "reason", "message");
        text.Events(call.Events);
        return Task.CompletedTask;
    }
}

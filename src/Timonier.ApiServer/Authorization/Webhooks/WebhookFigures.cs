using System.Globalization;
using System.Text;
using Timonier.Client;

namespace Timonier.ApiServer.Authorization.Webhooks;

/// <summary>What one authorization webhook was asked, and how it went. Thread-safe.</summary>
public sealed class WebhookFigures
{
    /// <summary>Upstream's, of apiserver_authorization_webhook_duration_seconds.</summary>
    private static readonly double[] Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (Histogram Took, long Count)> _asked = new(StringComparer.Ordinal);
    private long _failOpen, _excluded, _conditionFailed;

    /// <summary>By result: success, error, timeout, canceled.</summary>
    public long Evaluations(string result)
    {
        lock (_gate)
            return _asked.GetValueOrDefault(result).Count;
    }

    internal void Asked(string result, TimeSpan took, bool failOpen)
    {
        lock (_gate)
        {
            if (!_asked.TryGetValue(result, out var one))
                one = (new Histogram(Buckets), 0);
            one.Took.Add(took.TotalSeconds);
            _asked[result] = (one.Took, one.Count + 1);
            _failOpen += failOpen ? 1 : 0;
        }
    }

    internal void Excluded() => Interlocked.Increment(ref _excluded);

    internal void ConditionFailed() => Interlocked.Increment(ref _conditionFailed);

    /// <summary>In Prometheus' text form, for all webhooks together.</summary>
    public static void Write(StringBuilder text, IReadOnlyList<WebhookAuthorizer> webhooks)
    {
        if (webhooks.Count == 0)
            return;
        Head(text, "webhook_evaluations_total", "counter", "Questions to webhooks, by result.");
        foreach (var webhook in webhooks)
            webhook.Figures.Locked(asked => asked.ForEach(a => Line(text, "webhook_evaluations_total", $"name=\"{webhook.Webhook.Name}\",result=\"{a.Key}\"", a.Value.Count)));
        Head(text, "webhook_duration_seconds", "histogram", "Seconds until a webhook answered.");
        foreach (var webhook in webhooks)
            webhook.Figures.Locked(asked => asked.ForEach(a => a.Value.Took.Write(text, Name("webhook_duration_seconds"), $"name=\"{webhook.Webhook.Name}\",result=\"{a.Key}\"")));
        Head(text, "webhook_evaluations_fail_open_total", "counter", "Questions without answer that others decided.");
        foreach (var webhook in webhooks)
            Line(text, "webhook_evaluations_fail_open_total", $"name=\"{webhook.Webhook.Name}\",result=\"error\"", Volatile.Read(ref webhook.Figures._failOpen));
        Head(text, "match_condition_exclusions_total", "counter", "Requests that match conditions kept from a webhook.");
        foreach (var webhook in webhooks)
            Line(text, "match_condition_exclusions_total", $"name=\"{webhook.Webhook.Name}\",type=\"Webhook\"", Volatile.Read(ref webhook.Figures._excluded));
        Head(text, "match_condition_evaluation_errors_total", "counter", "Match conditions that failed.");
        foreach (var webhook in webhooks)
            Line(text, "match_condition_evaluation_errors_total", $"name=\"{webhook.Webhook.Name}\",type=\"Webhook\"", Volatile.Read(ref webhook.Figures._conditionFailed));
    }

    private void Locked(Action<List<KeyValuePair<string, (Histogram Took, long Count)>>> read)
    {
        lock (_gate)
            read([.. _asked]);
    }

    private static string Name(string name) => "apiserver_authorization_" + name;

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {Name(name)} {help}\n# TYPE {Name(name)} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, long value) => text.Append(CultureInfo.InvariantCulture, $"{Name(name)}{{{labels}}} {value}\n");
}

using Microsoft.Extensions.Logging;
using Timonier.Api.Flowcontrol.V1;
using Timonier.Client;

namespace Timonier.ApiServer.FlowControl;

/// <summary>Says in each flow schema's condition Dangling whether its priority level is there.</summary>
public sealed class FlowSchemaStatusController : IDisposable
{
    private readonly ApiClient _client;
    private readonly Informer<FlowSchema> _schemas;
    private readonly Informer<PriorityLevelConfiguration> _levels;
    private readonly TimeProvider _time;

    public FlowSchemaStatusController(ApiClient client, InformerFactory informers, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _time, _schemas, _levels) = (client.As("api-priority-and-fairness-config-consumer-v1"), time, informers.For<FlowSchema>(), informers.For<PriorityLevelConfiguration>());
        Loop = new ControllerLoop<string>("flow-schema-status", ReconcileAsync, time, loggers.CreateLogger<FlowSchemaStatusController>(), _schemas.WaitForSyncAsync, _levels.WaitForSyncAsync) { Workers = 1 };
        _schemas.OnChange(schema => Loop.Queue.Add(schema.Metadata.Name));
        _levels.OnChange(level =>
        {
            foreach (var schema in _schemas.List().Where(s => s.Spec.PriorityLevelConfiguration.Name == level.Metadata.Name))
                Loop.Queue.Add(schema.Metadata.Name);
        });
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string name, CancellationToken cancel)
    {
        if (_schemas.Get("", name) is { } schema && Decide(schema, _levels.Get("", schema.Spec.PriorityLevelConfiguration.Name) is not null, _time.GetUtcNow()) is { } changed)
            await _client.UpdateStatusAsync(changed, cancel);
    }

    /// <returns>Null when the condition says so already.</returns>
    internal static FlowSchema? Decide(FlowSchema schema, bool levelExists, DateTimeOffset now)
    {
        var level = schema.Spec.PriorityLevelConfiguration.Name;
        var wanted = new FlowSchemaCondition
        {
            Type = "Dangling", Status = levelExists ? "False" : "True", Reason = levelExists ? "Found" : "NotFound", LastTransitionTime = now,
            Message = $"This FlowSchema references the PriorityLevelConfiguration object named \"{level}\" " + (levelExists ? "and it exists" : "but there is no such object"),
        };
        var before = schema.Status.Conditions.FirstOrDefault(c => c.Type == wanted.Type);
        if (before is not null && before.Status == wanted.Status && before.Reason == wanted.Reason && before.Message == wanted.Message)
            return null;
        if (before?.Status == wanted.Status)
            wanted = wanted with { LastTransitionTime = before.LastTransitionTime };
        return schema with { Status = schema.Status with { Conditions = [.. schema.Status.Conditions.Where(c => c.Type != wanted.Type), wanted] } };
    }
}

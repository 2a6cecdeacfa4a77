using System.Globalization;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using DeleteOptions = Timonier.ApiServer.Requests.DeleteOptions;

namespace Timonier.ApiServer.Verbs;

/// <summary>POST of pods/NAME/eviction: a delete, if the disruption budgets of the pod allow it.</summary>
internal static class Evict
{
    public static async Task HandleAsync(ApiCall call, WritePath writes, DeletePath deletes)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "CreateOptions");
        var eviction = await BodyDecoder.ReadObjectAsync(call, options);
        if (eviction.GetPath("metadata", "name") is string { Length: > 0 } named && named != call.Info.Name)
            throw ApiException.BadRequest("name in URL does not match name in Eviction object");
        if (!call.Store.TryGet(call.Info.Namespace, call.Info.Name, out var entry))
            throw call.NotFound(call.Info.Name);
        var delete = DeleteOptions.Parse(call.Http.Request.Query, eviction.GetMap("deleteOptions") ?? []);
        delete = delete with { DryRun = delete.DryRun || options.DryRun };
        var pod = new EncodedObject(entry).Parse();
        if (NeedsBudget(pod) && Budget(call, pod) is { } budget)
        {
            await TakeAsync(call, writes, budget, delete.DryRun);
            // The budget was asked for this pod as it is: it must not be another by now.
            delete = delete with { PreconditionUid = pod.GetPath("metadata", "uid") as string };
        }
        await deletes.RunAsync(call.Scope(options) with { DryRun = delete.DryRun }, call.Store, delete, call.Cancel);
        await Responder.WriteTreeAsync(call, 201, new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonMap(), ["status"] = "Success", ["code"] = 201L });
    }

    /// <summary>Pods that have ended, have not begun, or are on their way out disrupt nothing.</summary>
    private static bool NeedsBudget(JsonMap pod) =>
        pod.GetPath("status", "phase") is not ("Succeeded" or "Failed" or "Pending") && pod.GetMap("metadata")!["deletionTimestamp"] is null;

    private static JsonMap? Budget(ApiCall call, JsonMap pod)
    {
        var budgets = call.Core.Registry.Table.StoresByResource[("policy", "poddisruptionbudgets")];
        var labels = pod.GetPath("metadata", "labels") as JsonMap;
        var found = new List<JsonMap>();
        foreach (var entry in call.Core.Store.Current.Range(budgets.Range(call.Info.Namespace)))
        {
            var budget = new EncodedObject(entry).Parse();
            if (budget.GetPath("spec", "selector") is not JsonMap selector)
                continue;
            var reader = new System.Text.Json.Utf8JsonReader(JsonEncoder.Encode(selector));
            reader.Read();
            if (LabelMatcher.FromSelector(LabelSelector.Read(ref reader)).Matches(labels))
                found.Add(budget);
        }
        if (found.Count > 1)
            throw ApiException.InternalError("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
        return found.Count == 1 ? found[0] : null;
    }

    private static async Task TakeAsync(ApiCall call, WritePath writes, JsonMap budget, bool dryRun)
    {
        var budgets = call.Core.Registry.Table.StoresByResource[("policy", "poddisruptionbudgets")];
        var write = new TakeWrite
        {
            Scope = call.Scope(new WriteOptions { DryRun = dryRun }) with { Resource = budgets.Schema, Name = (string)budget.GetPath("metadata", "name")!, Subresource = "status", Verb = "update" },
            Resource = budgets, Pod = call.Info.Name,
        };
        await writes.RunAsync(write, call.Cancel);
    }

    /// <summary>Counts one disruption off the budget (upstream's checkAndDecrement).</summary>
    private sealed class TakeWrite : Write
    {
        public required string Pod { get; init; }

        public override bool RetriesConflicts => true;

        public override bool IsPatch => true;

        public override JsonMap? Produce(JsonMap? old)
        {
            if (old is null)
                return null;
            var budget = old.DeepClone();
            var status = budget.EnsureMap("status");
            if ((status.GetInteger("observedGeneration") ?? 0) < (budget.GetMap("metadata")!.GetInteger("generation") ?? 0))
                throw Refusal($"The disruption budget {Scope.Name} is still being processed by the server.", 10);
            var allowed = status.GetInteger("disruptionsAllowed") ?? 0;
            if (allowed <= 0)
                throw Refusal(string.Create(CultureInfo.InvariantCulture, $"The disruption budget {Scope.Name} needs {status.GetInteger("desiredHealthy") ?? 0} healthy pods and has {status.GetInteger("currentHealthy") ?? 0} currently"), 0);
            status["disruptionsAllowed"] = allowed - 1;
            status.EnsureMap("disruptedPods")[Pod] = ObjectMetaRules.Timestamp(Scope.Now);
            return budget;
        }

        private static ApiException Refusal(string cause, int retryAfterSeconds) =>
            new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
            {
                RetryAfterSeconds = retryAfterSeconds > 0 ? retryAfterSeconds : null,
                Details = new JsonMap
                {
                    ["causes"] = new JsonList { new JsonMap { ["reason"] = "DisruptionBudget", ["message"] = cause } },
                },
            };
    }
}

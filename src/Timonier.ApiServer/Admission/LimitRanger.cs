using System.Globalization;
using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>Defaults requests and limits of containers from a namespace's LimitRanges, and refuses pods and claims outside of them.</summary>
internal sealed class LimitRanger(IObjectReader reader) : IMutatingAdmission, IValidatingAdmission
{
    private const string Annotation = "kubernetes.io/limit-ranger";
    private static readonly Dictionary<string, Quantity> Nothing = [];

    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || !attributes.IsCreate() || attributes.Object is not { } pod)
            return ValueTask.CompletedTask;
        foreach (var range in reader.List<LimitRange>(attributes.Scope.Namespace))
        {
            var items = range.Spec.Limits.Where(l => l.Type == "Container").ToList();
            var notes = new List<string>();
            foreach (var container in pod.Spec().Maps("containers"))
                Fill(container, "container", items, notes);
            foreach (var container in pod.Spec().Maps("initContainers"))
                Fill(container, "init container", items, notes);
            if (notes.Count > 0)
                pod.Metadata().EnsureMap("annotations")[Annotation] = "LimitRanger plugin set: " + string.Join("; ", notes);
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        var pod = attributes.IsFor("pods") && attributes.IsCreate() || attributes.IsFor("pods", "resize");
        var claim = attributes.IsFor("persistentvolumeclaims") && attributes.Operation is "CREATE" or "UPDATE";
        if ((!pod && !claim) || attributes.Object is not { } obj || attributes.OldObject?.GetMap("metadata")?.ContainsKey("deletionTimestamp") == true)
            return ValueTask.CompletedTask;
        foreach (var range in reader.List<LimitRange>(attributes.Scope.Namespace))
        {
            var faults = (pod ? PodFaults(range, obj.To<Pod>()) : ClaimFaults(range, obj.To<PersistentVolumeClaim>())).ToList();
            if (faults.Count > 0)
                throw attributes.Forbidden(faults.Count == 1 ? faults[0] : "[" + string.Join(", ", faults) + "]");
        }
        return ValueTask.CompletedTask;
    }

    private static void Fill(JsonMap container, string kind, List<LimitRangeItem> items, List<string> notes)
    {
        var limits = items.SelectMany(i => i.Default);
        var requests = items.SelectMany(i => i.DefaultRequest);
        // Requests are told first, as upstream does.
        var setLimits = Set(container, "limits", limits);
        var setRequests = Set(container, "requests", requests);
        if (setRequests.Count > 0)
            notes.Add($"{string.Join(", ", setRequests)} request for {kind} {container.Text("name")}");
        if (setLimits.Count > 0)
            notes.Add($"{string.Join(", ", setLimits)} limit for {kind} {container.Text("name")}");
    }

    private static List<string> Set(JsonMap container, string part, IEnumerable<KeyValuePair<string, Quantity>> defaults)
    {
        var set = new List<string>();
        foreach (var (name, amount) in defaults)
        {
            var list = container.EnsureMap("resources").EnsureMap(part);
            if (list.ContainsKey(name))
                continue;
            list[name] = amount.ToString();
            set.Add(name);
        }
        set.Sort(StringComparer.Ordinal);
        return set;
    }

    private static IEnumerable<string> ClaimFaults(LimitRange range, PersistentVolumeClaim claim) =>
        range.Spec.Limits.Where(l => l.Type == "PersistentVolumeClaim").SelectMany(limit =>
            limit.Min.Select(m => Min(limit.Type, m.Key, m.Value, claim.Spec.Resources.Requests, Nothing))
                .Concat(limit.Max.Select(m => MaxRequest(limit.Type, m.Key, m.Value, claim.Spec.Resources.Requests)))).OfType<string>();

    private static IEnumerable<string> PodFaults(LimitRange range, Pod pod)
    {
        foreach (var limit in range.Spec.Limits)
        {
            if (limit.Type == "Container")
            {
                foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers))
                {
                    foreach (var fault in Faults(limit, container.Resources.Requests, container.Resources.Limits))
                        yield return fault;
                }
            }
            else if (limit.Type == "Pod")
            {
                foreach (var fault in Faults(limit, OfPod(pod, c => c.Resources.Requests), OfPod(pod, c => c.Resources.Limits)))
                    yield return fault;
            }
        }
    }

    private static IEnumerable<string> Faults(LimitRangeItem limit, IReadOnlyDictionary<string, Quantity> requests, IReadOnlyDictionary<string, Quantity> limits) =>
        limit.Min.Select(m => Min(limit.Type, m.Key, m.Value, requests, limits))
            .Concat(limit.Max.Select(m => Max(limit.Type, m.Key, m.Value, requests, limits)))
            .Concat(limit.MaxLimitRequestRatio.Select(m => Ratio(limit.Type, m.Key, m.Value, requests, limits))).OfType<string>();

    /// <summary>What every container states, summed; an init container counts where it alone needs more.</summary>
    private static Dictionary<string, Quantity> OfPod(Pod pod, Func<Container, IReadOnlyDictionary<string, Quantity>> part)
    {
        var total = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var name in pod.Spec.Containers.SelectMany(c => part(c).Keys).Distinct())
        {
            if (pod.Spec.Containers.All(c => part(c).ContainsKey(name)))
                total[name] = pod.Spec.Containers.Aggregate(Quantity.Zero, (sum, c) => sum + part(c)[name]);
        }
        foreach (var (name, amount) in pod.Spec.InitContainers.SelectMany(part))
        {
            if (!total.TryGetValue(name, out var sum) || amount > sum)
                total[name] = amount;
        }
        return total;
    }

    private static string? Min(string type, string name, Quantity least, IReadOnlyDictionary<string, Quantity> requests, IReadOnlyDictionary<string, Quantity> limits) =>
        !requests.TryGetValue(name, out var request) ? $"minimum {name} usage per {type} is {least}.  No request is specified"
        : request < least ? $"minimum {name} usage per {type} is {least}, but request is {request}"
        : limits.TryGetValue(name, out var limit) && limit < least ? $"minimum {name} usage per {type} is {least}, but limit is {limit}"
        : null;

    private static string? MaxRequest(string type, string name, Quantity most, IReadOnlyDictionary<string, Quantity> requests) =>
        !requests.TryGetValue(name, out var request) ? $"maximum {name} usage per {type} is {most}.  No request is specified"
        : request > most ? $"maximum {name} usage per {type} is {most}, but request is {request}"
        : null;

    private static string? Max(string type, string name, Quantity most, IReadOnlyDictionary<string, Quantity> requests, IReadOnlyDictionary<string, Quantity> limits) =>
        !limits.TryGetValue(name, out var limit) ? $"maximum {name} usage per {type} is {most}.  No limit is specified"
        : limit > most ? $"maximum {name} usage per {type} is {most}, but limit is {limit}"
        : requests.TryGetValue(name, out var request) && request > most ? $"maximum {name} usage per {type} is {most}, but request is {request}"
        : null;

    private static string? Ratio(string type, string name, Quantity most, IReadOnlyDictionary<string, Quantity> requests, IReadOnlyDictionary<string, Quantity> limits)
    {
        if (!requests.TryGetValue(name, out var request) || request.IsZero)
            return $"{name} max limit to request ratio per {type} is {most}, but no request is specified or request is 0";
        if (!limits.TryGetValue(name, out var limit) || limit.IsZero)
            return $"{name} max limit to request ratio per {type} is {most}, but no limit is specified or limit is 0";
        var ratio = limit.ToDouble() / request.ToDouble();
        return ratio > most.ToDouble() ? $"{name} max limit to request ratio per {type} is {most}, but provided ratio is {ratio.ToString("F6", CultureInfo.InvariantCulture)}" : null;
    }
}

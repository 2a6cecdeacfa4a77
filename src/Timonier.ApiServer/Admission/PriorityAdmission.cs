using Timonier.Api.Json;
using Timonier.Api.Scheduling.V1;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>Writes a pod's priority from its priority class; only one class may be everybody's default.</summary>
internal sealed class PriorityAdmission(IObjectReader reader) : IMutatingAdmission, IValidatingAdmission
{
    public ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || attributes.Object is not { } pod)
            return ValueTask.CompletedTask;
        var spec = pod.Spec();
        if (!attributes.IsCreate())
        {
            // A client that does not know the fields must not take them away.
            foreach (var key in (ReadOnlySpan<string>)["priority", "preemptionPolicy"])
            {
                if (attributes.OldObject?.GetMap("spec")?[key] is { } value)
                    spec.Default(key, value);
            }
            return ValueTask.CompletedTask;
        }
        var priority = 0L;
        var policy = "PreemptLowerPriority";
        if (FindClass(attributes, spec) is { } found)
        {
            spec["priorityClassName"] = found.Metadata.Name;
            priority = found.Value;
            policy = found.PreemptionPolicy ?? policy;
        }
        if (spec.GetInteger("priority") is { } given && given != priority)
            throw attributes.Forbidden($"the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name");
        spec["priority"] = priority;
        if (spec.GetString("preemptionPolicy") is { } givenPolicy && givenPolicy != policy)
            throw attributes.Forbidden($"the string value of PreemptionPolicy ({givenPolicy}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name");
        spec["preemptionPolicy"] = policy;
        return ValueTask.CompletedTask;
    }

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("priorityclasses.scheduling.k8s.io") || attributes.Object?.GetBool("globalDefault") != true)
            return ValueTask.CompletedTask;
        var name = attributes.NameOrGenerateName();
        if (Default() is { } other && other.Metadata.Name != name)
            throw attributes.Forbidden($"PriorityClass {other.Metadata.Name} is already marked as default. Only one default can exist");
        return ValueTask.CompletedTask;
    }

    private PriorityClass? FindClass(AdmissionAttributes attributes, JsonMap spec)
    {
        var name = spec.Text("priorityClassName");
        if (name.Length == 0)
            return Default();
        return reader.Get<PriorityClass>("", name) ?? throw attributes.Forbidden($"no PriorityClass with name {name} was found");
    }

    // Two defaults can only come about by a race; the lower one then counts.
    private PriorityClass? Default() => reader.List<PriorityClass>().Where(c => c.GlobalDefault).MinBy(c => c.Value);
}

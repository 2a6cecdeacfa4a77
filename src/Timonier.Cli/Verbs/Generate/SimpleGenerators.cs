using System.CommandLine;
using Timonier.Api.Json;

namespace Timonier.Cli.Verbs;

/// <summary>create namespace, serviceaccount, quota, priorityclass, poddisruptionbudget.</summary>
internal sealed class SimpleGenerators(CliShell shell) : Generator(shell)
{
    public Command Namespace() => Verb("namespace", "Create a namespace with the specified name", call => Object("v1", "Namespace", call.Get(Name)), ["ns"]);

    public Command ServiceAccount() => Verb("serviceaccount", "Create a service account with the specified name", call => Object("v1", "ServiceAccount", call.Get(Name)), ["sa"]);

    public Command Quota()
    {
        var hard = new Option<string[]>("--hard") { Description = "A comma-delimited set of resource=quantity pairs that define a hard limit." };
        var scopes = new Option<string?>("--scopes") { Description = "A comma-delimited set of quota scopes." };
        return Verb("quota", "Create a quota with the specified name", call =>
        {
            var quota = Object("v1", "ResourceQuota", call.Get(Name));
            var spec = quota.EnsureMap("spec");
            if (Pairs(call.Get(hard), "--hard") is { Count: > 0 } limits)
                spec["hard"] = limits;
            if (call.Get(scopes) is { Length: > 0 } list)
                spec["scopes"] = new JsonList(list.Split(','));
            return quota;
        }, ["resourcequota"], hard, scopes);
    }

    public Command PriorityClass()
    {
        var value = new Option<int>("--value") { Description = "The value of this priority class." };
        var isDefault = new Option<bool>("--global-default") { Description = "If true, this is the default priority." };
        var description = new Option<string?>("--description") { Description = "A text that tells when it should be used." };
        var preemption = new Option<string>("--preemption-policy") { DefaultValueFactory = _ => "PreemptLowerPriority", Description = "The policy for preempting pods with lower priority." };
        return Verb("priorityclass", "Create a priority class with the specified name", call =>
        {
            var priority = Object("scheduling.k8s.io/v1", "PriorityClass", call.Get(Name));
            priority["value"] = (long)call.Get(value);
            if (call.Get(isDefault))
                priority["globalDefault"] = true;
            if (call.Get(description) is { Length: > 0 } text)
                priority["description"] = text;
            priority["preemptionPolicy"] = call.Get(preemption);
            return priority;
        }, ["pc"], value, isDefault, description, preemption);
    }

    public Command PodDisruptionBudget()
    {
        var selector = new Option<string>("--selector") { Required = true, Description = "A label selector to use for this budget." };
        var minAvailable = new Option<string?>("--min-available") { Description = "The minimum number or percentage of available pods this budget requires." };
        var maxUnavailable = new Option<string?>("--max-unavailable") { Description = "The maximum number or percentage of unavailable pods this budget requires." };
        return Verb("poddisruptionbudget", "Create a pod disruption budget with the specified name", call =>
        {
            var budget = Object("policy/v1", "PodDisruptionBudget", call.Get(Name));
            var spec = budget.EnsureMap("spec");
            spec["selector"] = new JsonMap { ["matchLabels"] = Pairs([call.Get(selector)!], "--selector") };
            if (call.Get(minAvailable) is { } min)
                spec["minAvailable"] = IntOrText(min);
            else if (call.Get(maxUnavailable) is { } max)
                spec["maxUnavailable"] = IntOrText(max);
            else
                throw new CliException("one of min-available or max-unavailable must be specified");
            return budget;
        }, ["pdb"], selector, minAvailable, maxUnavailable);
    }

    private static object IntOrText(string text) => long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : text;
}

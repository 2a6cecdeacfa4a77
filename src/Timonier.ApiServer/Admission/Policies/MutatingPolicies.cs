using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>MutatingAdmissionPolicy: expressions whose result is a JSON patch or a part of the object to merge into it.</summary>
internal sealed class MutatingPolicies(IObjectReader reader, IAuthorizer authorizer, PolicyExpressions expressions, PolicyParams parameters) : IMutatingAdmission
{
    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (attributes.Object is null || RuleMatch.IsExempt(attributes))
            return;
        var bindings = reader.List<MutatingAdmissionPolicyBinding>().ToList();
        var policies = bindings.Count == 0 ? [] : reader.List<MutatingAdmissionPolicy>().OrderBy(p => p.Metadata.Name, StringComparer.Ordinal).ToList();
        var lastChange = -1;
        for (var i = 0; i < policies.Count; i++)
        {
            if (await ApplyAsync(policies[i], bindings, attributes, cancel))
                lastChange = i;
        }
        for (var i = 0; i < lastChange; i++)
        {
            if (policies[i].Spec.ReinvocationPolicy == "IfNeeded")
                await ApplyAsync(policies[i], bindings, attributes, cancel);
        }
    }

    /// <returns>True when the object changed.</returns>
    private async Task<bool> ApplyAsync(MutatingAdmissionPolicy policy, List<MutatingAdmissionPolicyBinding> bindings, AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (policy.Spec.MatchConstraints is null || !PolicyMatch.Matches(policy.Spec.MatchConstraints, attributes, reader))
            return false;
        var before = attributes.Object!.DeepClone();
        foreach (var binding in bindings.Where(b => b.Spec.PolicyName == policy.Metadata.Name && PolicyMatch.Matches(b.Spec.MatchResources, attributes, reader)))
        {
            try
            {
                foreach (var one in await parameters.FindAsync(policy.Spec.ParamKind, binding.Spec.ParamRef, attributes.Scope, cancel))
                    Mutate(policy, new PolicyInputs(attributes, one, reader, authorizer), attributes);
            }
            catch (Exception e) when (e is CelException or ApiException)
            {
                if (policy.Spec.FailurePolicy != "Ignore")
                    throw attributes.Forbidden($"policy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}' denied request: {e.Message}");
                attributes.Replace(before);
            }
        }
        return !JsonTree.DeepEquals(before, attributes.Object);
    }

    private void Mutate(MutatingAdmissionPolicy policy, PolicyInputs inputs, AdmissionAttributes attributes)
    {
        var variables = new List<string>();
        foreach (var variable in policy.Spec.Variables)
        {
            inputs.Define(variable.Name, expressions.Compile(variable.Expression, [.. variables]));
            variables.Add(variable.Name);
        }
        if (!PolicyMatch.Conditions(policy.Spec.MatchConditions, expressions, inputs, []))
            return;
        foreach (var mutation in policy.Spec.Mutations)
        {
            var source = mutation.JsonPatch?.Expression ?? mutation.ApplyConfiguration?.Expression ?? throw new CelException("a mutation without expression");
            var result = CelProgram.ToJson(inputs.Evaluate(expressions.Compile(source, variables)));
            var obj = attributes.Object!;
            var changed = mutation.JsonPatch is not null
                ? JsonPatch.Apply(obj.DeepClone(), result) as JsonMap
                // As server-side apply merges built-in types: lists by their keys.
                : StrategicMergePatch.Apply(obj.DeepClone(), result as JsonMap ?? throw new CelException("must evaluate to Object"), attributes.Scope.Resource.Type);
            attributes.Replace(changed ?? throw new CelException("the patch leaves no object"));
        }
    }
}

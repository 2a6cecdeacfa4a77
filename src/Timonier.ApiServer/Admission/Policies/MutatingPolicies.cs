using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Apply;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Patches;
using Timonier.Api.Schema;
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
        var bindings = reader.List<MutatingAdmissionPolicyBinding>().OrderBy(b => b.Metadata.Name, StringComparer.Ordinal).ToList();
        foreach (var policy in bindings.Count == 0 ? [] : reader.List<MutatingAdmissionPolicy>().OrderBy(p => p.Metadata.Name, StringComparer.Ordinal).ToList())
        {
            if (policy.Spec.MatchConstraints is null || PolicyMatch.Match(policy.Spec.MatchConstraints, attributes, reader) is not { } seen)
                continue;
            foreach (var binding in bindings.Where(b => b.Spec.PolicyName == policy.Metadata.Name && PolicyMatch.Match(b.Spec.MatchResources, attributes, reader) is not null))
                await ApplyAsync(policy, binding, attributes, seen, cancel);
        }
    }

    private async Task ApplyAsync(MutatingAdmissionPolicy policy, MutatingAdmissionPolicyBinding binding, AdmissionAttributes attributes, ResourceSchema resource, CancellationToken cancel)
    {
        var id = $"policy/{policy.Metadata.Name}/{binding.Metadata.Name}";
        if (!attributes.Reinvocation.Admits(id))
            return;
        var before = attributes.Object!.DeepClone();
        var own = before.GetString("apiVersion") ?? "";
        try
        {
            foreach (var one in await parameters.FindAsync(policy.Spec.ParamKind, binding.Spec.ParamRef, attributes.Scope, cancel))
            {
                var seen = await RuleMatch.SeenAsync(attributes, resource, cancel);
                await MutateAsync(policy, new PolicyInputs(seen, resource, one, reader, authorizer), seen, resource, cancel);
                await RuleMatch.TakeBackAsync(attributes, seen, own, cancel);
            }
        }
        catch (Exception e) when (e is CelException or ApiException)
        {
            if (policy.Spec.FailurePolicy != "Ignore")
                throw attributes.Forbidden($"policy '{policy.Metadata.Name}' with binding '{binding.Metadata.Name}' denied request: {e.Message}");
            attributes.Replace(before);
        }
        if (!JsonTree.DeepEquals(before, attributes.Object))
            attributes.Reinvocation.Changed();
        if (policy.Spec.ReinvocationPolicy == "IfNeeded")
            attributes.Reinvocation.Ran(id);
    }

    private async ValueTask MutateAsync(MutatingAdmissionPolicy policy, PolicyInputs inputs, AdmissionAttributes attributes, ResourceSchema resource, CancellationToken cancel)
    {
        var hasParams = policy.Spec.ParamKind is not null;
        if (!await PolicyMatch.ConditionsAsync(policy.Spec.MatchConditions, expressions, inputs, hasParams, cancel))
            return;
        var scope = new PolicyScope([], hasParams);
        foreach (var variable in policy.Spec.Variables)
        {
            var program = expressions.Compile(variable.Expression, scope);
            inputs.Define(variable.Name, program);
            scope = scope.With(variable.Name, program.ResultType);
        }
        foreach (var mutation in policy.Spec.Mutations)
        {
            var source = mutation.JsonPatch?.Expression ?? mutation.ApplyConfiguration?.Expression ?? throw new CelException("a mutation without expression");
            var result = CelProgram.ToJson(await inputs.EvaluateAsync(expressions.Compile(source, scope), cancel));
            var obj = attributes.Object!;
            var changed = mutation.JsonPatch is not null
                ? JsonPatch.Apply(obj.DeepClone(), result) as JsonMap
                : StructuredMerge.Apply(obj, result as JsonMap ?? throw new CelException("must evaluate to Object"), resource.Type);
            attributes.Replace(changed ?? throw new CelException("the patch leaves no object"));
        }
    }
}

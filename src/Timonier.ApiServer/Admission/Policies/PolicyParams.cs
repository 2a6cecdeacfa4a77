using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.ApiServer.Validation;
using Timonier.Client;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>The objects that a binding gives to its policy as params.</summary>
internal sealed class PolicyParams(Func<IReadOnlyList<ResourceSchema>> resources, Func<ApiClient> client)
{
    /// <summary>One entry for each evaluation of the policy: null when it takes no params. Empty: nothing to evaluate.</summary>
    /// <exception cref="ApiException">There is no such kind or object, and that is not allowed.</exception>
    public async Task<IReadOnlyList<JsonMap?>> FindAsync(ParamKind? kind, ParamRef? reference, RequestScope scope, CancellationToken cancel)
    {
        if (kind is null || reference is null)
            return [null];
        var version = GroupVersion.Parse(kind.ApiVersion);
        var resource = resources().FirstOrDefault(r => r.GroupVersion == version && r.Kind == kind.Kind)
            ?? throw ApiException.InternalError($"failed to configure policy: failed to find resource referenced by paramKind: '{kind.ApiVersion}, Kind={kind.Kind}'");
        var @namespace = !resource.Namespaced ? "" : reference.Namespace.Length > 0 ? reference.Namespace : scope.Namespace;
        var found = new List<JsonMap?>();
        if (reference.Name.Length > 0)
        {
            try
            {
                found.Add(await client().GetTreeAsync(resource.Resource, @namespace, reference.Name, cancellationToken: cancel));
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Whether that is a fault is the binding's to say, below.
            }
        }
        else if (reference.Selector is { } selector)
        {
            var all = await client().ListTreesAsync(resource.Resource, @namespace, cancellationToken: cancel);
            found.AddRange(all.Items.Where(o => selector.Matches(Labels(o))));
        }
        if (found.Count > 0 || reference.ParameterNotFoundAction == "Allow")
            return found;
        throw new ApiException(403, "Forbidden", "no params found for policy binding with `Deny` parameterNotFoundAction");
    }

    private static Dictionary<string, string> Labels(JsonMap obj) =>
        (obj.GetPath("metadata", "labels") as JsonMap ?? []).Where(l => l.Value is string).ToDictionary(l => l.Key, l => (string)l.Value!);
}

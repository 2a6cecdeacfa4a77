using Timonier.Api.Json;
using Timonier.Api.Rbac.V1;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal static class RbacKinds
{
    private const string Group = "rbac.authorization.k8s.io";

    public static IEnumerable<KeyValuePair<string, Strategy>> All() =>
    [
        new($"roles.{Group}", new SimpleStrategy<Role> { CreateOnUpdate = true, Names = MetadataValidation.PathSegment, Check = (role, errors) => RbacValidation.Rules(role.Rules, namespaced: true, errors) }),
        new($"clusterroles.{Group}", new SimpleStrategy<ClusterRole> { CreateOnUpdate = true, Names = MetadataValidation.PathSegment, Check = RbacValidation.ClusterRole }),
        new($"rolebindings.{Group}", new SimpleStrategy<RoleBinding>
        {
            CreateOnUpdate = true, Names = MetadataValidation.PathSegment, Defaults = BindingDefaults,
            Check = (binding, errors) => RbacValidation.Binding(binding.RoleRef, binding.Subjects, namespaced: true, errors),
            CheckUpdate = (_, _, change, errors) => RbacValidation.RoleRefKept(change, errors),
        }),
        new($"clusterrolebindings.{Group}", new SimpleStrategy<ClusterRoleBinding>
        {
            CreateOnUpdate = true, Names = MetadataValidation.PathSegment, Defaults = BindingDefaults,
            Check = (binding, errors) => RbacValidation.Binding(binding.RoleRef, binding.Subjects, namespaced: false, errors),
            CheckUpdate = (_, _, change, errors) => RbacValidation.RoleRefKept(change, errors),
        }),
    ];

    private static void BindingDefaults(JsonMap obj)
    {
        obj.GetMap("roleRef")?.DefaultZero("apiGroup", Group);
        foreach (var subject in obj.Maps("subjects").Where(s => s.Text("kind") is "User" or "Group"))
            subject.DefaultZero("apiGroup", Group);
    }
}

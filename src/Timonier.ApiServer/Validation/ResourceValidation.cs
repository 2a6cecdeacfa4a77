using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Names and amounts of resources: in containers, pods, quotas and limits.</summary>
internal static class ResourceValidation
{
    public static bool IsHugePages(string resource) => resource.StartsWith("hugepages-", StringComparison.Ordinal);

    /// <summary>Without a domain, or in kubernetes.io.</summary>
    public static bool IsNative(string resource) => !resource.Contains('/', StringComparison.Ordinal) || resource.Contains("kubernetes.io/", StringComparison.Ordinal);

    public static bool IsExtended(string resource) =>
        !IsNative(resource) && !resource.StartsWith("requests.", StringComparison.Ordinal) && Names.Qualified("requests." + resource).Count == 0;

    public static bool IsOvercommitAllowed(string resource) => IsNative(resource) && !IsHugePages(resource);

    public static bool IsStandardForContainers(string resource) => resource is "cpu" or "memory" or "ephemeral-storage" || IsHugePages(resource);

    // Counted in whole things.
    private static bool IsInteger(string resource) =>
        resource is "pods" or "services" or "replicationcontrollers" or "resourcequotas" or "secrets" or "configmaps" or "persistentvolumeclaims"
            or "services.nodeports" or "services.loadbalancers" || IsExtended(resource);

    public static void Requirements(ResourceRequirements requirements, string path, FieldErrors errors, IReadOnlySet<string>? claims = null)
    {
        var huge = false;
        var computes = false;
        foreach (var (name, amount) in requirements.Limits)
        {
            ContainerResource(name, $"{path}.limits[{name}]", errors);
            Amount(name, amount, $"{path}.limits[{name}]", errors);
            huge |= IsHugePages(name);
            computes |= name is "cpu" or "memory";
        }
        foreach (var (name, amount) in requirements.Requests)
        {
            ContainerResource(name, $"{path}.requests[{name}]", errors);
            Amount(name, amount, $"{path}.requests[{name}]", errors);
            if (requirements.Limits.TryGetValue(name, out var limit))
            {
                if (amount != limit && !IsOvercommitAllowed(name))
                    errors.Invalid($"{path}.requests", amount.ToString(), $"must be equal to {name} limit of {limit}");
                else if (amount > limit)
                    errors.Invalid($"{path}.requests", amount.ToString(), $"must be less than or equal to {name} limit of {limit}");
            }
            else if (!IsOvercommitAllowed(name))
                errors.Required($"{path}.limits", "Limit must be set for non overcommitable resources");
            huge |= IsHugePages(name);
            computes |= name is "cpu" or "memory";
        }
        if (huge && !computes)
            errors.Forbidden(path, "HugePages require cpu or memory");
        for (var i = 0; i < requirements.Claims.Count; i++)
        {
            if (requirements.Claims[i].Name.Length == 0)
                errors.Required($"{path}.claims[{i}].name");
            else if (claims is not null && !claims.Contains(requirements.Claims[i].Name))
                errors.NotFound($"{path}.claims[{i}].name", requirements.Claims[i].Name);
        }
    }

    public static void Amount(string resource, Quantity amount, string path, FieldErrors errors)
    {
        if (amount.Sign < 0)
            errors.Invalid(path, amount.ToString(), Faults.NotNegative);
        if (IsInteger(resource) && amount.MilliValue % 1000 != 0)
            errors.Invalid(path, amount.ToString(), "must be an integer");
    }

    private static void ContainerResource(string name, string path, FieldErrors errors)
    {
        errors.Each(path, name, Names.Qualified(name));
        if (!name.Contains('/', StringComparison.Ordinal))
        {
            if (!IsStandardForContainers(name))
                errors.Invalid(path, name, "must be a standard resource for containers");
        }
        else if (!IsNative(name) && !IsExtended(name))
            errors.Invalid(path, name, "doesn't follow extended resource name standard");
    }
}

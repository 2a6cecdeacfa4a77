namespace Timonier.Api.Schema;

/// <summary>An API group and version; the core group is the empty string.</summary>
public readonly record struct GroupVersion(string Group, string Version)
{
    /// <summary>From "v1" or "apps/v1"; no check of the parts.</summary>
    public static GroupVersion Parse(string apiVersion)
    {
        var slash = apiVersion.IndexOf('/');
        return slash < 0 ? new("", apiVersion) : new(apiVersion[..slash], apiVersion[(slash + 1)..]);
    }

    /// <summary>As in the apiVersion field: "v1", "apps/v1".</summary>
    public override string ToString() => Group.Length == 0 ? Version : $"{Group}/{Version}";
}

/// <summary>A resource of a group version, by its plural lower-case name.</summary>
public readonly record struct GroupVersionResource(string Group, string Version, string Resource)
{
    public GroupVersion GroupVersion => new(Group, Version);

    /// <summary>"pods", "deployments.apps": as in messages and RBAC.</summary>
    public string GroupResource => Group.Length == 0 ? Resource : $"{Resource}.{Group}";
}

/// <summary>A kind of a group version.</summary>
public readonly record struct GroupVersionKind(string Group, string Version, string Kind)
{
    public GroupVersion GroupVersion => new(Group, Version);
}

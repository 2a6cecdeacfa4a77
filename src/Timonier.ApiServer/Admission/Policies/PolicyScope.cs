using Timonier.Api.Cel;
using Timonier.Api.Cel.Library;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>What an expression of a policy or match condition may name.</summary>
/// <param name="Variables">The policy's variables before it, with the types of their expressions.</param>
internal sealed record PolicyScope(IReadOnlyList<(string Name, CelType Type)> Variables, bool HasParams, bool HasAuthorizer = true)
{
    /// <summary>Known when a policy is checked against the kinds that it matches.</summary>
    public CelType Object { get; init; } = CelType.Dyn;
    public CelType Params { get; init; } = CelType.Dyn;

    public PolicyScope With(string name, CelType type) => this with { Variables = [.. Variables, (name, type)] };

    /// <summary>Names the environment that it makes, for what is known by name alone.</summary>
    public string Key => $"{HasParams}{HasAuthorizer}{string.Join(',', Variables.Select(v => $"{v.Name}:{v.Type}"))}";

    public CelEnvironment Environment() => new(
    [
        ("object", Object), ("oldObject", Object), ("request", Request), ("namespaceObject", Namespace),
        .. HasParams ? [("params", Params)] : (ReadOnlySpan<(string, CelType)>)[],
        .. HasAuthorizer ? [("authorizer", CelAuthorizer.Type), ("authorizer.requestResource", CelAuthorizer.ResourceType)] : (ReadOnlySpan<(string, CelType)>)[],
        .. Variables.Select(v => ($"variables.{v.Name}", v.Type)),
    ], Struct);

    // What a mutation may construct: JSON patch operations, and parts of the object to merge.
    private static CelType? Struct(string name) => name switch
    {
        "JSONPatch" => CelType.Object(name, field => field is "op" or "path" or "from" ? CelType.String : field == "value" ? CelType.Dyn : null),
        _ when name == "Object" || name.StartsWith("Object.", StringComparison.Ordinal) => CelType.Object(name, _ => CelType.Dyn),
        _ => null,
    };

    private static readonly CelType Kind = Fields("kubernetes.GroupVersionKind", ("group", CelType.String), ("version", CelType.String), ("kind", CelType.String));
    private static readonly CelType Resource = Fields("kubernetes.GroupVersionResource", ("group", CelType.String), ("version", CelType.String), ("resource", CelType.String));

    /// <summary>admission.k8s.io AdmissionRequest without the objects. Source: apiserver admission/plugin/cel BuildRequestType.</summary>
    private static readonly CelType Request = Fields("kubernetes.AdmissionRequest",
        ("kind", Kind), ("resource", Resource), ("subResource", CelType.String), ("requestKind", Kind), ("requestResource", Resource), ("requestSubResource", CelType.String),
        ("name", CelType.String), ("namespace", CelType.String), ("operation", CelType.String), ("dryRun", CelType.Bool), ("options", CelType.Dyn),
        ("userInfo", Fields("kubernetes.UserInfo", ("username", CelType.String), ("uid", CelType.String), ("groups", CelType.List(CelType.String)), ("extra", CelType.Map(CelType.String, CelType.List(CelType.String))))));

    private static readonly CelType Namespace = Fields("kubernetes.Namespace",
        ("metadata", Fields("kubernetes.NamespaceMetadata",
            ("name", CelType.String), ("generateName", CelType.String), ("namespace", CelType.String), ("UID", CelType.String), ("resourceVersion", CelType.String), ("generation", CelType.Int),
            ("labels", CelType.Map(CelType.String, CelType.String)), ("annotations", CelType.Map(CelType.String, CelType.String)), ("finalizers", CelType.List(CelType.String)),
            ("creationTimestamp", CelType.Timestamp), ("deletionTimestamp", CelType.Timestamp), ("deletionGracePeriodSeconds", CelType.Int))),
        ("spec", Fields("kubernetes.NamespaceSpec", ("finalizers", CelType.List(CelType.String)))),
        ("status", Fields("kubernetes.NamespaceStatus", ("phase", CelType.String))));

    private static CelType Fields(string name, params (string Name, CelType Type)[] fields)
    {
        var types = fields.ToDictionary(f => f.Name, f => f.Type);
        return CelType.Object(name, types.GetValueOrDefault);
    }
}

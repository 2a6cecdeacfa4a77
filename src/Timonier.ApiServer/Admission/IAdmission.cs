using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission;

/// <summary>One operation on its way through admission.</summary>
public sealed record AdmissionAttributes
{
    public required RequestScope Scope { get; init; }

    /// <summary>CREATE, UPDATE, DELETE or CONNECT.</summary>
    public required string Operation { get; init; }

    /// <summary>The object as it would be stored; null for DELETE. Mutating admission changes it in place.</summary>
    public JsonMap? Object { get; init; }

    /// <summary>Brings an object that was changed from outside into the stored form: unknown fields pruned, defaults set. May change what it is given.</summary>
    public Func<JsonMap, JsonMap> Normalize { get; init; } = static obj => obj;

    /// <summary>The object before; null for CREATE. Never changed.</summary>
    public JsonMap? OldObject { get; init; }

    public Reinvocation Reinvocation { get; init; } = new();

    /// <summary>The versions that the object can be seen in; null: only the one it is in.</summary>
    public IObjectVersions? Versions { get; init; }

    /// <summary>The request's options object (CreateOptions, ...); null when there is none.</summary>
    public JsonMap? Options { get; init; }

    /// <summary>Makes <paramref name="changed"/> the object, as the next step shall see it.</summary>
    public void Replace(JsonMap changed)
    {
        var normal = Normalize(changed);
        Object!.Clear();
        foreach (var (key, value) in normal)
            Object[key] = value;
    }
}

/// <summary>The versions that one kind of object is served in.</summary>
public interface IObjectVersions
{
    /// <summary>The same objects under other versions and groups, the resource itself left out.</summary>
    IEnumerable<ResourceSchema> EquivalentsOf(ResourceSchema resource);

    /// <summary>The object itself where it is in that version already; else a converted copy.</summary>
    /// <exception cref="Api.Errors.ApiException">A conversion webhook failed.</exception>
    ValueTask<JsonMap> ConvertAsync(JsonMap obj, ResourceSchema to, CancellationToken cancel);
}

/// <summary>Changes objects before validation. Refuses by throwing an <see cref="Api.Errors.ApiException"/>.</summary>
public interface IMutatingAdmission
{
    ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel);
}

/// <summary>Refuses objects after validation by throwing an <see cref="Api.Errors.ApiException"/>.</summary>
public interface IValidatingAdmission
{
    ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel);
}

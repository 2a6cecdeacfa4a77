using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Strategies;

/// <summary>A strategy whose validation reads the generated kind, in which absent equals zero as in upstream's structs.</summary>
internal abstract class TypedStrategy<T> : Strategy where T : class, IKind<T>
{
    public sealed override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) => Validate(scope, obj.To<T>(), errors);

    public sealed override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors) =>
        ValidateUpdate(scope, obj.To<T>(), old.To<T>(), new Change(obj, old), errors);

    /// <summary>What holds for every object of the kind, new or changed.</summary>
    protected abstract void Validate(RequestScope scope, T obj, FieldErrors errors);

    /// <summary>The rules for a change; by default those for a new object.</summary>
    protected virtual void ValidateUpdate(RequestScope scope, T obj, T old, Change change, FieldErrors errors) => Validate(scope, obj, errors);
}

/// <summary>Both trees of an update, for comparing parts of any shape.</summary>
internal sealed record Change(JsonMap New, JsonMap Old)
{
    public bool Same(params ReadOnlySpan<string> path) => JsonTree.DeepEquals(New.GetPath(path), Old.GetPath(path));

    /// <summary>Refuses a change of the value at a path.</summary>
    public void Immutable(FieldErrors errors, params ReadOnlySpan<string> path)
    {
        if (!Same(path))
            errors.Invalid(string.Join('.', path!), New.GetPath(path), "field is immutable");
    }
}

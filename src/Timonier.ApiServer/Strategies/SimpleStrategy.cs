using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>A strategy from parts, for the many kinds that need one or two of them.</summary>
internal class SimpleStrategy : Strategy
{
    public Action<JsonMap>? Defaults { get; init; }

    /// <summary>The status a new object has; null: none.</summary>
    public Func<JsonMap>? NewStatus { get; init; }

    /// <summary>The client's own status stays on create: nodes describe themselves, and kinds whose status is no status.</summary>
    public bool KeepsStatus { get; init; }
    public bool Generation { get; init; }
    public bool CreateOnUpdate { get; init; }
    public bool UnconditionalUpdate { get; init; } = true;
    public NameRule Names { get; init; } = MetadataValidation.Subdomain;

    /// <summary>Paths of fields that never change, by dots.</summary>
    public IReadOnlyList<string> Immutable { get; init; } = [];

    public override bool HasGeneration => Generation;

    public override bool AllowCreateOnUpdate => CreateOnUpdate;

    public override bool AllowUnconditionalUpdate => UnconditionalUpdate;

    public override IReadOnlyList<string> NameFaults(string name, bool prefix) => Names(name, prefix);

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        if (NewStatus is not null)
            obj["status"] = NewStatus();
        else if (!KeepsStatus)
            obj.Remove("status");
    }

    public override void Default(JsonMap obj) => Defaults?.Invoke(obj);

    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors)
    {
        ValidateCreate(scope, obj, errors);
        var change = new Change(obj, old);
        foreach (var path in Immutable)
            change.Immutable(errors, path.Split('.'));
    }
}

/// <summary>As <see cref="SimpleStrategy"/>, with rules that read the generated kind.</summary>
internal sealed class SimpleStrategy<T> : SimpleStrategy where T : class, IKind<T>
{
    public required Action<T, FieldErrors> Check { get; init; }

    /// <summary>The rules that compare; those of <see cref="Check"/> hold too.</summary>
    public Action<T, T, Change, FieldErrors>? CheckUpdate { get; init; }

    /// <summary>The rules for the subresource "status", in place of all others; null: none.</summary>
    public Action<T, T, FieldErrors>? CheckStatus { get; init; }

    public override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) => Check(obj.To<T>(), errors);

    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors)
    {
        if (scope.Subresource == "status")
        {
            CheckStatus?.Invoke(obj.To<T>(), old.To<T>(), errors);
            return;
        }
        base.ValidateUpdate(scope, obj, old, errors);
        CheckUpdate?.Invoke(obj.To<T>(), old.To<T>(), new Change(obj, old), errors);
    }
}

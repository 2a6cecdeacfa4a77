using Timonier.Api.CustomResources;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.CustomResources;

/// <summary>What a definition says about its objects: status apart or not, and the schema of the version that the request speaks.</summary>
internal sealed class CustomStrategy(CustomResource definition) : Strategy
{
    private volatile bool _terminating;

    /// <summary>The definition is going: its objects are being deleted, and no new ones are made.</summary>
    public bool Terminating
    {
        get => _terminating;
        set => _terminating = value;
    }

    private readonly bool _hasStatus = definition.Storage.HasStatus;

    public override bool HasGeneration => true;

    public override bool AllowUnconditionalUpdate => false;

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        if (Terminating)
            throw new ApiException(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating");
        if (_hasStatus)
            obj.Remove("status");
    }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        if (_hasStatus)
            base.PrepareForUpdate(scope, obj, old);
    }

    public override bool RaisesGeneration(JsonMap obj, JsonMap old) =>
        base.RaisesGeneration(obj, old) || (!_hasStatus && !JsonTree.DeepEquals(obj["status"], old["status"]));

    public override void ValidateCreate(RequestScope scope, JsonMap obj, FieldErrors errors) => Validate(scope, obj, null, errors);

    public override void ValidateUpdate(RequestScope scope, JsonMap obj, JsonMap old, FieldErrors errors) => Validate(scope, obj, old, errors);

    private void Validate(RequestScope scope, JsonMap obj, JsonMap? old, FieldErrors errors)
    {
        var version = definition.Versions.FirstOrDefault(v => v.Name == scope.Resource.GroupVersion.Version) ?? definition.Storage;
        version.Validate(obj, old, errors);
    }
}

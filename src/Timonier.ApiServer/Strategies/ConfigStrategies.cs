using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

internal sealed class ConfigMapStrategy : TypedStrategy<ConfigMap>
{
    protected override void Validate(RequestScope scope, ConfigMap obj, FieldErrors errors) => ConfigValidation.ConfigMap(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, ConfigMap obj, ConfigMap old, Change change, FieldErrors errors)
    {
        ConfigValidation.Immutable(old.Immutable == true, obj.Immutable == true, change, ["data", "binaryData"], errors);
        ConfigValidation.ConfigMap(obj, errors);
    }
}

internal sealed class SecretStrategy : TypedStrategy<Secret>
{
    public override void PrepareForCreate(RequestScope scope, JsonMap obj) { }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        if (obj.Text("type").Length == 0)
            obj.CopyField("type", old);
    }

    public override void Default(JsonMap obj)
    {
        // stringData is a way to write, never to read: it becomes data, over what data says.
        if (obj.GetMap("stringData") is { } plain)
        {
            var data = obj.EnsureMap("data");
            foreach (var (key, value) in plain)
                data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value as string ?? ""));
            if (data.Count == 0)
                obj.Remove("data");
            obj.Remove("stringData");
        }
        obj.DefaultZero("type", "Opaque");
    }

    protected override void Validate(RequestScope scope, Secret obj, FieldErrors errors) => ConfigValidation.Secret(obj, errors);

    protected override void ValidateUpdate(RequestScope scope, Secret obj, Secret old, Change change, FieldErrors errors)
    {
        change.Immutable(errors, "type");
        ConfigValidation.Immutable(old.Immutable == true, obj.Immutable == true, change, ["data"], errors);
        ConfigValidation.Secret(obj, errors);
    }
}

internal sealed class ServiceAccountStrategy : Strategy
{
    public override void PrepareForCreate(RequestScope scope, JsonMap obj) { }
}

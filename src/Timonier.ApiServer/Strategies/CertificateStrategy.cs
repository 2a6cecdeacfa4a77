using Timonier.Api.Certificates.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Strategies;

/// <summary>Certificate signing requests: who asks is what the server knows, not what the request says; who approves and who signs are two.</summary>
internal sealed class CertificateStrategy : TypedStrategy<CertificateSigningRequest>
{
    public override IReadOnlyList<string> NameFaults(string name, bool prefix) => [];

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap();
        var spec = obj.Spec();
        foreach (var key in (ReadOnlySpan<string>)["username", "uid", "groups", "extra"])
            spec.Remove(key);
        spec["username"] = scope.User.Name;
        if (scope.User.Uid.Length > 0)
            spec["uid"] = scope.User.Uid;
        spec["groups"] = new JsonList(scope.User.Groups);
        if (scope.User.Extra.Count > 0)
        {
            foreach (var (key, values) in scope.User.Extra)
                spec.EnsureMap("extra")[key] = new JsonList(values);
        }
    }

    public override void PrepareForUpdate(RequestScope scope, JsonMap obj, JsonMap old)
    {
        obj.CopyField("spec", old);
        var status = old.GetMap("status")?.DeepClone() ?? [];
        var sent = obj.GetMap("status") ?? [];
        switch (scope.Subresource)
        {
            case "approval":
                status["conditions"] = Conditions(sent, old, scope.Now);
                break;
            case "status":
                status = sent;
                status["conditions"] = Conditions(sent, old, scope.Now);
                break;
        }
        if (status.GetList("conditions") is { Count: 0 })
            status.Remove("conditions");
        obj["status"] = status;
    }

    protected override void Validate(RequestScope scope, CertificateSigningRequest obj, FieldErrors errors) => CertificateValidation.Validate(obj, null, errors);

    protected override void ValidateUpdate(RequestScope scope, CertificateSigningRequest obj, CertificateSigningRequest old, Change change, FieldErrors errors)
    {
        CertificateValidation.Validate(obj, old, errors);
        CertificateValidation.CheckUpdate(obj, old, mayDecide: scope.Subresource == "approval", maySign: scope.Subresource == "status", errors);
    }

    /// <summary>As sent, with the times that the sender left to the server. That decisions stay is validation's.</summary>
    private static JsonList Conditions(JsonMap sent, JsonMap old, DateTimeOffset now)
    {
        var conditions = new JsonList();
        foreach (var condition in sent.Maps("conditions"))
        {
            var was = old.GetMap("status").Maps("conditions").FirstOrDefault(c => c.Text("type") == condition.Text("type"));
            var changed = was?.Text("status") != condition.Text("status");
            condition.Default("lastUpdateTime", Api.Kinds.JsonWrite.FormatTime(now));
            condition.Default("lastTransitionTime", (changed ? null : was?["lastTransitionTime"]) ?? Api.Kinds.JsonWrite.FormatTime(now));
            conditions.Add(condition);
        }
        return conditions;
    }
}

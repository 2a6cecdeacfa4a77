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
        var sent = obj.GetMap("status");
        switch (scope.Subresource)
        {
            case "approval":
                status["conditions"] = Conditions(status, sent, approval: true, scope.Now);
                break;
            case "status":
                status["conditions"] = Conditions(status, sent, approval: false, scope.Now);
                if (sent?.GetString("certificate") is { Length: > 0 } certificate)
                    status["certificate"] = certificate;
                break;
        }
        if (status.GetList("conditions") is { Count: 0 })
            status.Remove("conditions");
        obj["status"] = status;
    }

    protected override void Validate(RequestScope scope, CertificateSigningRequest obj, FieldErrors errors)
    {
        if (obj.Spec.Request.Length == 0)
            errors.Invalid("spec.request", "", "PEM block type must be CERTIFICATE REQUEST");
        else if (!System.Security.Cryptography.PemEncoding.TryFind(System.Text.Encoding.UTF8.GetString(obj.Spec.Request), out var pem)
            || System.Text.Encoding.UTF8.GetString(obj.Spec.Request)[pem.Label] != "CERTIFICATE REQUEST")
            errors.Invalid("spec.request", Convert.ToBase64String(obj.Spec.Request), "PEM block type must be CERTIFICATE REQUEST");
        if (obj.Spec.Usages.Count == 0)
            errors.Required("spec.usages");
        if (obj.Spec.SignerName.Length == 0)
            errors.Required("spec.signerName");
        else if (obj.Spec.SignerName.Split('/') is not [var domain, { Length: > 0 }] || Names.FullyQualified(domain, segmentsMin: 2).Count > 0)
            errors.Invalid("spec.signerName", obj.Spec.SignerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
        if (obj.Spec.ExpirationSeconds is < 600)
            errors.Invalid("spec.expirationSeconds", obj.Spec.ExpirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)");
        if (obj.Status.Conditions.Any(c => c.Type == "Approved") && obj.Status.Conditions.Any(c => c.Type == "Denied"))
            errors.Invalid("status.conditions", "Denied", "Approved and Denied conditions are mutually exclusive");
    }

    // "approval" takes all conditions from the client, "status" all but the decisions; a decision that was made stays.
    private static JsonList Conditions(JsonMap old, JsonMap? sent, bool approval, DateTimeOffset now)
    {
        var merged = new JsonList(old.Maps("conditions").Where(IsDecision));
        foreach (var condition in sent.Maps("conditions").Where(c => approval || !IsDecision(c)))
        {
            var was = old.Maps("conditions").FirstOrDefault(c => c.Text("type") == condition.Text("type"));
            condition.Default("lastUpdateTime", Api.Kinds.JsonWrite.FormatTime(now));
            condition.Default("lastTransitionTime", was?["lastTransitionTime"] ?? Api.Kinds.JsonWrite.FormatTime(now));
            merged.RemoveAll(c => c is JsonMap map && map.Text("type") == condition.Text("type"));
            merged.Add(condition);
        }
        return merged;
    }

    private static bool IsDecision(JsonMap condition) => condition.Text("type") is "Approved" or "Denied";
}

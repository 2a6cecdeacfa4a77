using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Aggregation;

/// <summary>APIServices: a local one is available from the start, another one when it has been asked.</summary>
internal sealed class ApiServiceStrategy : TypedStrategy<APIService>
{
    public override bool AllowUnconditionalUpdate => false;

    public override IReadOnlyList<string> NameFaults(string name, bool prefix) => MetadataValidation.PathSegment(name, prefix);

    public override void Default(JsonMap obj) => obj.Spec().GetMap("service")?.Default("port", 443L);

    public override void PrepareForCreate(RequestScope scope, JsonMap obj)
    {
        obj["status"] = new JsonMap();
        if (obj.Spec().GetMap("service") is null)
            obj.GetMap("status")!["conditions"] = new JsonList { Availability.ToTree(Availability.Local, scope.Now) };
    }

    protected override void Validate(RequestScope scope, APIService service, FieldErrors errors)
    {
        if (scope.Subresource == "status")
            return;
        var spec = service.Spec;
        var wanted = $"{spec.Version}.{spec.Group}";
        if (service.Metadata.Name != wanted)
            errors.Invalid("metadata.name", service.Metadata.Name, $"must be `spec.version+\".\"+spec.group`: \"{wanted}\"");
        if (spec.Group.Length > 0)
            errors.Each("spec.group", spec.Group, Names.Subdomain(spec.Group));
        errors.Each("spec.version", spec.Version, Names.Label(spec.Version));
        if (spec.GroupPriorityMinimum is <= 0 or > 20000)
            errors.Invalid("spec.groupPriorityMinimum", spec.GroupPriorityMinimum, "must be positive and less than 20000");
        if (spec.VersionPriority is <= 0 or > 1000)
            errors.Invalid("spec.versionPriority", spec.VersionPriority, "must be positive and less than 1000");
        if (spec.Service is null)
        {
            if (spec.CaBundle.Length > 0)
                errors.Invalid("spec.caBundle", $"{spec.CaBundle.Length} bytes", "local APIServices may not have a caBundle");
            if (spec.InsecureSkipTLSVerify == true)
                errors.Invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify");
            return;
        }
        if (spec.Service.Namespace.Length == 0)
            errors.Required("spec.service.namespace");
        if (spec.Service.Name.Length == 0)
            errors.Required("spec.service.name");
        if (spec.Service.Port is { } port && Names.PortNumber(port) is { Count: > 0 } faults)
            errors.Invalid("spec.service.port", port, "port is not valid: " + string.Join(",", faults));
        if (spec.InsecureSkipTLSVerify == true && spec.CaBundle.Length > 0)
            errors.Invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present");
    }
}

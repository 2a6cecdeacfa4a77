using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer.Aggregation;

namespace Timonier.ApiServer.Tests.Aggregation;

public sealed class AvailabilityTests
{
    private static readonly APIServiceSpec Spec = new() { Group = "g", Version = "v1", Service = new() { Namespace = "ns", Name = "api", Port = 7443 } };

    [Theory]
    [InlineData(null, null, "ServiceNotFound", "service/api in \"ns\" is not present")]
    [InlineData(443, null, "ServicePortError", "service/api in \"ns\" is not listening on port 7443")]
    [InlineData(7443, null, "EndpointsNotFound", "cannot find endpointslices for service/api in \"ns\"")]
    [InlineData(7443, "web:true", "MissingEndpoints", "endpoints for service/api in \"ns\" have no addresses with port name \"https\"")]
    [InlineData(7443, "https:false", "MissingEndpoints", "endpoints for service/api in \"ns\" have no addresses with port name \"https\"")]
    [InlineData(7443, "https:true", null, null)]
    public void Service_IsLookedAtBeforeItIsAsked(int? port, string? endpoint, string? reason, string? message)
    {
        var service = port is { } number ? new Service { Spec = new() { Ports = [new() { Name = "https", Port = number }] } } : null;
        EndpointSlice[] slices = endpoint?.Split(':') is [var name, var ready]
            ? [new() { Ports = [new() { Name = name, Port = 1 }], Endpoints = [new() { Addresses = ["10.0.0.1"], Conditions = new() { Ready = ready == "true" } }] }] : [];
        var verdict = Availability.Decide(Spec, service, slices);
        Assert.Equal((reason, message), (verdict?.Reason, verdict?.Message));
    }

    [Theory]
    [InlineData("", "v1", "v1.", 18000, 1)]
    [InlineData("apps", "v1", "v1.apps", 17800, 15)]
    [InlineData("autoscaling", "v2", "v2.autoscaling", 17500, 30)]
    [InlineData("example.com", "v1", "v1.example.com", 1000, 100)]
    public void LocalGroupVersion_HasUpstreamsPriorities(string group, string version, string name, int groupPriority, int versionPriority)
    {
        var service = LocalApiServices.Local(new GroupVersion(group, version), builtIn: true);
        Assert.Equal((name, groupPriority, versionPriority, (ServiceReference?)null), (service.Metadata.Name, service.Spec.GroupPriorityMinimum, service.Spec.VersionPriority, service.Spec.Service));
    }

    [Theory]
    [InlineData("v1.g", """{"group":"g","version":"v1","groupPriorityMinimum":10,"versionPriority":10}""", "")]
    [InlineData("other", """{"group":"g","version":"v1","groupPriorityMinimum":10,"versionPriority":10}""", "metadata.name: Invalid value: \"other\": must be `spec.version+\".\"+spec.group`: \"v1.g\"")]
    [InlineData("v1.g", """{"group":"g","version":"v1","groupPriorityMinimum":0,"versionPriority":1001}""", "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000\nspec.versionPriority: Invalid value: 1001: must be positive and less than 1000")]
    [InlineData("v1.g", """{"group":"g","version":"v1","groupPriorityMinimum":10,"versionPriority":10,"insecureSkipTLSVerify":true}""", "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify")]
    public void Validation_SpeaksUpstreamsWords(string name, string spec, string expected)
    {
        var errors = new Timonier.Api.Errors.FieldErrors();
        new ApiServiceStrategy().ValidateCreate(Strategies.Given.Scope("apiservices.apiregistration.k8s.io"), Strategies.Given.Json($$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}"""), errors);
        Assert.Equal(expected, Strategies.Given.Lines(errors));
    }
}

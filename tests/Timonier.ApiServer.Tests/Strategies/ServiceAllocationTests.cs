using System.Net;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.Strategies;

public class ServiceAllocationTests
{
    private readonly TestReader _reader = new();
    private readonly ServiceNetwork _network = new(IPNetwork.Parse("10.96.0.0/16"), new Random(1));
    private readonly Strategy _strategy;

    public ServiceAllocationTests() => _strategy = Given.Strategies(_reader, _network)["services"];

    [Fact]
    public void ClusterIP_IsTakenFromTheDynamicBand()
    {
        var service = New("""{"ports":[{"port":80}]}""");
        Assert.Empty(Allocate(service));
        var address = IPAddress.Parse((string)service.GetPath("spec", "clusterIP")!);
        Assert.True(_network.Cidr.Contains(address));
        Assert.True(address.GetAddressBytes() is [10, 96, > 0, _], $"{address} lies in the static band");
        Given.AssertSame($"[\"{address}\"]", service.GetPath("spec", "clusterIPs"));
    }

    [Fact]
    public void TakenAddress_IsRefused_AndFreeAgainAfterDelete()
    {
        var first = New("""{"clusterIP":"10.96.0.10","ports":[{"port":53}]}""");
        Assert.Empty(Allocate(first));
        Assert.Equal("spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated", Allocate(New("""{"clusterIP":"10.96.0.10","ports":[{"port":53}]}""")));
        _strategy.AfterDelete(first);
        Assert.Empty(Allocate(New("""{"clusterIP":"10.96.0.10","ports":[{"port":53}]}""")));
    }

    [Fact]
    public void ServicesThatExist_KeepTheirNumbers()
    {
        _reader.Objects.Add(Given.Object<Service>("""{"metadata":{"name":"a","namespace":"b"},"spec":{"type":"NodePort","clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10"],"ports":[{"port":1,"nodePort":30001}]}}"""));
        Assert.Contains("provided IP is already allocated", Allocate(New("""{"clusterIP":"10.96.0.10","ports":[{"port":53}]}""")), StringComparison.Ordinal);
        Assert.Equal("spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated", Allocate(New("""{"type":"NodePort","ports":[{"port":1,"nodePort":30001}]}""")));
    }

    [Fact]
    public void FailedWrite_GivesBackWhatWasTaken()
    {
        var errors = new FieldErrors();
        _strategy.Allocate(Given.Scope("services"), New("""{"type":"NodePort","clusterIP":"10.96.1.1","ports":[{"port":1,"nodePort":30001}]}"""), null, errors)!.Dispose();
        Assert.Empty(Allocate(New("""{"type":"NodePort","clusterIP":"10.96.1.1","ports":[{"port":1,"nodePort":30001}]}""")));
    }

    [Theory]
    [InlineData("""{"clusterIP":"10.97.0.1","ports":[{"port":1}]}""", "spec.clusterIPs: Invalid value: [\"10.97.0.1\"]: failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16")]
    [InlineData("""{"type":"NodePort","ports":[{"port":1,"nodePort":80}]}""", "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767")]
    public void NumberOutOfRange_IsRefused(string spec, string expected) => Assert.Equal(expected, Allocate(New(spec)));

    [Fact]
    public void SamePortOverTwoProtocols_SharesANodePort()
    {
        var service = New("""{"type":"NodePort","ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}""");
        Assert.Empty(Allocate(service));
        var ports = ((JsonList)service.GetPath("spec", "ports")!).OfType<JsonMap>().Select(p => p.GetInteger("nodePort")).ToList();
        Assert.InRange(ports[0]!.Value, 30086, 32767);
        Assert.Equal(ports[0], ports[1]);
    }

    [Fact]
    public void HeadlessService_GetsNoAddress()
    {
        var service = New("""{"clusterIP":"None"}""");
        Assert.Empty(Allocate(service));
        Given.AssertSame("[\"None\"]", service.GetPath("spec", "clusterIPs"));
    }

    [Fact]
    public void UpdateWithoutNumbers_KeepsThem()
    {
        var old = New("""{"type":"NodePort","clusterIP":"10.96.2.2","ports":[{"port":1,"nodePort":30009}]}""");
        Assert.Empty(Allocate(old));
        var changed = New("""{"type":"NodePort","ports":[{"port":1,"targetPort":9}]}""");
        _strategy.PrepareForUpdate(Given.Scope("services", "update"), changed, old);
        Assert.Equal("10.96.2.2", changed.GetPath("spec", "clusterIP"));
        Given.AssertSame("""[{"port":1,"targetPort":9,"protocol":"TCP","nodePort":30009}]""", changed.GetPath("spec", "ports"));
    }

    [Fact]
    public void ChangeToClusterIPType_DropsNodePorts_AndFreesThem()
    {
        var old = New("""{"type":"NodePort","clusterIP":"10.96.2.3","ports":[{"port":1,"nodePort":30010}]}""");
        Assert.Empty(Allocate(old));
        var changed = old.DeepClone();
        ((JsonMap)changed["spec"]!)["type"] = "ClusterIP";
        _strategy.PrepareForUpdate(Given.Scope("services", "update"), changed, old);
        Given.AssertSame("""[{"port":1,"targetPort":1,"protocol":"TCP"}]""", changed.GetPath("spec", "ports"));
        _strategy.AfterUpdate(changed, old);
        Assert.True(_network.TryTakePort(30010));
    }

    private JsonMap New(string spec)
    {
        var service = Given.Json($$$$"""{"metadata":{"name":"a","namespace":"b"},"spec":{{{{spec}}}}}""");
        _strategy.Default(service);
        _strategy.PrepareForCreate(Given.Scope("services"), service);
        return service;
    }

    private string Allocate(JsonMap service)
    {
        var errors = new FieldErrors();
        _strategy.Allocate(Given.Scope("services"), service, null, errors);
        return Given.Lines(errors);
    }
}

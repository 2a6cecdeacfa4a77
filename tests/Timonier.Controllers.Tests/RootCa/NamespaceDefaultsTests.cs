using Timonier.Api.Core.V1;
using Timonier.Controllers.RootCa;
using Timonier.Controllers.ServiceAccount;

namespace Timonier.Controllers.Tests.RootCa;

/// <summary>What every namespace gets: the service account "default" and the root certificates.</summary>
public sealed class NamespaceDefaultsTests : ControllerTest
{
    private Task<Api.Core.V1.Namespace> CreateNamespaceAsync(string phase = "Active") => Client.CreateAsync(new Api.Core.V1.Namespace { Metadata = new() { Name = "ns" }, Status = new() { Phase = phase } });

    [Fact]
    public async Task NewNamespace_GetsDefaultServiceAccount_AndGetsItBackWhenDeleted()
    {
        using var controller = new ServiceAccountController(Context);
        await CreateNamespaceAsync();
        await WorkAsync(controller);
        Assert.Equal("default", Assert.Single(await ListAsync<Api.Core.V1.ServiceAccount>("ns")).Metadata.Name);

        await Client.DeleteAsync<Api.Core.V1.ServiceAccount>("ns", "default");
        await WorkAsync(controller);
        Assert.Single(await ListAsync<Api.Core.V1.ServiceAccount>("ns"));
    }

    [Fact]
    public async Task TerminatingNamespace_GetsNothing()
    {
        using var accounts = new ServiceAccountController(Context);
        using var publisher = new RootCaPublisher(Context, "PEM");
        await CreateNamespaceAsync("Terminating");
        await WorkAsync(accounts);
        await WorkAsync(publisher);
        Assert.Empty(await ListAsync<Api.Core.V1.ServiceAccount>());
        Assert.Empty(await ListAsync<ConfigMap>());
    }

    [Fact]
    public async Task RootCertificates_ArePublishedAndPutRightAgain()
    {
        using var controller = new RootCaPublisher(Context, "PEM");
        await CreateNamespaceAsync();
        await WorkAsync(controller);
        var map = await Client.GetAsync<ConfigMap>("ns", "kube-root-ca.crt");
        Assert.Equal("PEM", map.Data["ca.crt"]);
        Assert.StartsWith("Contains a CA bundle", map.Metadata.Annotations["kubernetes.io/description"], StringComparison.Ordinal);

        await Client.UpdateAsync(map with { Data = new Dictionary<string, string> { ["ca.crt"] = "forged", ["more"] = "x" } });
        await WorkAsync(controller);
        map = await Client.GetAsync<ConfigMap>("ns", "kube-root-ca.crt");
        Assert.Equal([new("ca.crt", "PEM")], map.Data);
        Assert.Null(RootCaPublisher.Decide("ns", map, "PEM"));
    }
}

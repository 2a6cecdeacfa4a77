using Timonier.Network.Proxy;

namespace Timonier.Network.Tests.Proxy;

public class NftScriptTests
{
    private static NftModel Model(params string[] endpoints) =>
        ServiceRules.Build(ServiceRulesTests.Service(), [ServiceRulesTests.Slice(endpoints)], ServiceRulesTests.Node);

    [Fact]
    public void EqualModels_NoScript() =>
        Assert.Equal("", NftScript.Diff("t", Model("10.244.0.5 n1 ready"), Model("10.244.0.5 n1 ready")));

    [Fact]
    public void EndpointAdded_OnlyItsChainIsWrittenAnew() => Assert.Equal(
        """
        flush chain ip t service/ns/web/tcp/80
        add rule ip t service/ns/web/tcp/80 meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.5 . 8080, 1 : 10.244.1.6 . 8080 }

        """, NftScript.Diff("t", Model("10.244.1.5 n2 ready"), Model("10.244.1.5 n2 ready", "10.244.1.6 n2 ready")));

    [Fact]
    public void LastEndpointGone_VerdictChangesBeforeTheChainGoes() => Assert.Equal(
        """
        delete element ip t services { 10.96.0.7 . tcp . 80 }
        add element ip t services { 10.96.0.7 . tcp . 80 : goto refuse }
        flush chain ip t service/ns/web/tcp/80
        delete chain ip t service/ns/web/tcp/80

        """, NftScript.Diff("t", Model("10.244.1.5 n2 ready"), Model()));

    [Fact]
    public void TwoPartsClaimOneAddress_TheFirstHasIt()
    {
        var first = Model();
        var second = Model("10.244.1.5 n2 ready");
        Assert.Equal("goto refuse", NftModel.Union([first, second]).Elements[new NftElement("services", "10.96.0.7 . tcp . 80")]);
    }

    /// <summary>Any sequence of diffs, replayed on a model of the kernel that is as strict as nft, ends where it should.</summary>
    [Fact]
    public void AnySequenceOfChanges_LeadsToTheWantedModel()
    {
        var random = new Random(7);
        var kernel = new FakeNft();
        var applied = NftModel.Empty;
        for (var step = 0; step < 500; step++)
        {
            var parts = Enumerable.Range(0, 3).Select(i => Part(random, i)).ToList();
            var wanted = NftModel.Union(parts);
            kernel.Apply(NftScript.Diff("t", applied, wanted));
            Assert.Equal(wanted.Chains.SelectMany(chain => chain.Value.Select(rule => $"{chain.Key} {rule}")).Order(), kernel.Rules().Order());
            Assert.Equal(wanted.Elements.Select(element => $"{element.Key.Container} {element.Key.Key} {element.Value}").Order(), kernel.Elements.Select(element => $"{element.Key} {element.Value}").Order());
            Assert.Equal(wanted.Sets.Keys.Order(), kernel.Sets.Order());
            applied = wanted;
        }
    }

    private static NftModel Part(Random random, int number)
    {
        var endpoints = Enumerable.Range(1, 4).Where(_ => random.Next(2) == 0).Select(i => $"10.244.{number}.{i} n{random.Next(1, 3)} ready").ToArray();
        var service = ServiceRulesTests.Service(new()
        {
            ClusterIP = $"10.96.1.{random.Next(1, 3)}",
            Type = random.Next(2) == 0 ? "NodePort" : "ClusterIP",
            SessionAffinity = random.Next(3) == 0 ? "ClientIP" : "None",
            InternalTrafficPolicy = random.Next(3) == 0 ? "Local" : "Cluster",
        });
        service = service with { Metadata = service.Metadata with { Name = "web" + number } };
        return random.Next(5) == 0 ? NftModel.Empty : ServiceRules.Build(service, [ServiceRulesTests.Slice(endpoints)], ServiceRulesTests.Node);
    }
}

using System.Net;
using Timonier.Network.Dns;

namespace Timonier.Network.Tests.Dns;

internal sealed class FakeDirectory : IServiceDirectory
{
    public bool IsSynced { get; set; } = true;

    public List<DnsService> Services { get; } =
    [
        new("ns1", "web", null, [IPAddress.Parse("10.96.0.7"), IPAddress.Parse("fd00::7")], [new("http", "tcp", 80), new("", "udp", 99)], []),
        new("ns1", "db", null, [], [],
        [
            new(IPAddress.Parse("10.244.0.5"), "db-0", [new("sql", "tcp", 5432)]),
            new(IPAddress.Parse("10.244.0.6"), "10-244-0-6", [new("sql", "tcp", 5432)]),
        ]),
        new("ns1", "none", null, [], [], []),
        new("ns2", "away", "Foo.Example.COM.", [], [], []),
        new("ns2", "near", "web.ns1.svc.cluster.local", [], [], []),
    ];

    public DnsService? Find(string namespaceName, string name) =>
        Services.Find(service => service.Namespace == namespaceName && service.Name == name);

    public bool HasNamespace(string namespaceName) => Services.Exists(service => service.Namespace == namespaceName);

    public IReadOnlyList<string> NamesOf(IPAddress address) => address.ToString() switch
    {
        "10.96.0.7" or "fd00::7" => ["web.ns1.svc"],
        "10.244.0.5" => ["db-0.db.ns1.svc"],
        _ => [],
    };
}

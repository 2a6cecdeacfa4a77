namespace Timonier.Network.Proxy;

/// <param name="Id">Unique among the ports of all Services; part of the names of everything made for it.</param>
/// <param name="Protocol">tcp, udp or sctp.</param>
/// <param name="AffinitySeconds">How long a client stays with its endpoint; 0: every connection is on its own.</param>
internal readonly record struct BalanceTarget(string Id, string Protocol, int AffinitySeconds);

/// <summary>Collects the objects of an <see cref="NftModel"/>.</summary>
internal sealed class RuleSet
{
    private readonly Dictionary<string, IReadOnlyList<string>> _chains = [];
    private readonly Dictionary<string, string> _sets = [];
    private readonly Dictionary<NftElement, string> _elements = [];
    private readonly HashSet<NftEndpoint> _udpEndpoints = [];

    public NftModel Model() => new() { Chains = _chains, Sets = _sets, Elements = _elements, UdpEndpoints = _udpEndpoints };

    public static string Goto(string chain) => "goto " + chain;

    public void Element(string container, string key, string verdict) => _elements[new NftElement(container, key)] = verdict;

    /// <summary>The verdict that leads to the chain.</summary>
    public string Chain(string name, IReadOnlyList<string> rules)
    {
        _chains[name] = rules;
        return Goto(name);
    }

    /// <summary>The verdict that sends a connection to one of the endpoints, each as likely as another.</summary>
    public string Balance(string prefix, in BalanceTarget target, IReadOnlyList<NftEndpoint> endpoints, string nobody)
    {
        if (endpoints.Count == 0)
            return nobody;
        if (target.Protocol == "udp")
            _udpEndpoints.UnionWith(endpoints);
        var match = $"meta l4proto {target.Protocol} ";
        if (target.AffinitySeconds > 0)
            return Chain(prefix + target.Id, Sticky(target, endpoints, match));
        return Chain(prefix + target.Id, [match + (endpoints.Count == 1
            ? $"dnat to {endpoints[0]}"
            : $"dnat ip to numgen random mod {endpoints.Count} map {{ {string.Join(", ", endpoints.Select((endpoint, i) => $"{i} : {endpoint.Address} . {endpoint.Port}"))} }}")]);
    }

    /// <summary>Each endpoint has a set of its clients, which its own chain fills and the kernel empties after the time.</summary>
    private List<string> Sticky(BalanceTarget target, IReadOnlyList<NftEndpoint> endpoints, string match)
    {
        var rules = new List<string>();
        var verdicts = new List<string>();
        foreach (var endpoint in endpoints)
        {
            var id = $"{target.Id}/{target.AffinitySeconds}/{endpoint.Address}/{endpoint.Port}";
            _sets["affinity/" + id] = $"type ipv4_addr; flags dynamic,timeout; timeout {target.AffinitySeconds}s;";
            var verdict = Chain("endpoint/" + id, [$"update @affinity/{id} {{ ip saddr }}", $"{match}dnat to {endpoint}"]);
            rules.Add($"ip saddr @affinity/{id} {verdict}");
            verdicts.Add($"{verdicts.Count} : {verdict}");
        }
        rules.Add($"numgen random mod {endpoints.Count} vmap {{ {string.Join(", ", verdicts)} }}");
        return rules;
    }
}

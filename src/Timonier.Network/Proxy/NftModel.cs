namespace Timonier.Network.Proxy;

/// <summary>
/// Named objects of our nftables table: what one Service (or one pod's host ports) asks for, or all of them together.
/// </summary>
internal sealed record NftModel
{
    public static readonly NftModel Empty = new();

    /// <summary>Rules of each chain, in order.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Chains { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>
    /// Sets that packets themselves fill (session affinity), with their definition. Whatever can change about one is part of
    /// its name, so that a definition never changes under a name.
    /// </summary>
    public IReadOnlyDictionary<string, string> Sets { get; init; } = new Dictionary<string, string>();

    /// <summary>Elements of the table's fixed maps and sets; the value is a verdict, "" in a set.</summary>
    public IReadOnlyDictionary<NftElement, string> Elements { get; init; } = new Dictionary<NftElement, string>();

    /// <summary>Where UDP flows may have been sent: the kernel goes on sending there until it forgets the flow.</summary>
    public IReadOnlySet<NftEndpoint> UdpEndpoints { get; init; } = new HashSet<NftEndpoint>();

    /// <summary>All parts as one. Where two claim the same address and port, the earlier part has it.</summary>
    public static NftModel Union(IEnumerable<NftModel> parts)
    {
        var chains = new Dictionary<string, IReadOnlyList<string>>();
        var sets = new Dictionary<string, string>();
        var elements = new Dictionary<NftElement, string>();
        var udpEndpoints = new HashSet<NftEndpoint>();
        foreach (var part in parts)
        {
            foreach (var (name, rules) in part.Chains)
                chains.TryAdd(name, rules);
            foreach (var (name, definition) in part.Sets)
                sets.TryAdd(name, definition);
            foreach (var (element, verdict) in part.Elements)
                elements.TryAdd(element, verdict);
            udpEndpoints.UnionWith(part.UdpEndpoints);
        }
        return new NftModel { Chains = chains, Sets = sets, Elements = elements, UdpEndpoints = udpEndpoints };
    }
}

/// <param name="Container">Name of the map or set.</param>
internal readonly record struct NftElement(string Container, string Key);

internal readonly record struct NftEndpoint(string Address, int Port)
{
    public override string ToString() => $"{Address}:{Port}";
}

namespace Timonier.Network.Dns;

/// <summary>What is known about a question, before it becomes a message.</summary>
internal sealed record DnsAnswer
{
    public DnsCode Code { get; init; }
    public bool Authoritative { get; init; }
    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];
    public IReadOnlyList<DnsRecord> Authority { get; init; } = [];
    public IReadOnlyList<DnsRecord> Additional { get; init; } = [];

    /// <summary>A name outside the zone to which the last answer is an alias: stub resolvers expect us to look it up too.</summary>
    public string? Alias { get; init; }
}

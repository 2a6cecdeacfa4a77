namespace Timonier.Server.Api.Tests.Conformance;

/// <summary>One kind of object to lead through its life.</summary>
/// <param name="Upstream">The conformance tests of 1.36 that the row stands for.</param>
/// <param name="Version">"/api/v1", "/apis/apps/v1".</param>
/// <param name="Body">What is created, without metadata; the answer must hold all of it.</param>
public sealed record LifecycleRow(string Upstream, string Version, string Plural, string Body)
{
    public bool Namespaced { get; init; } = true;

    /// <summary>Where the name means something; null: any.</summary>
    public string? Name { get; init; }

    /// <summary>The namespace, where two rows have the same plural.</summary>
    public string? Space { get; init; }

    /// <summary>A status to patch and to put; null: the kind has no status subresource.</summary>
    public string? Status { get; init; }
    public bool Scale { get; init; }
    public bool DeletesCollection { get; init; } = true;

    public override string ToString() => Upstream;
}

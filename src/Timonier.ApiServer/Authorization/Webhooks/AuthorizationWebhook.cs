namespace Timonier.ApiServer.Authorization.Webhooks;

/// <summary>A service that is asked by SubjectAccessReviews, as flags or an AuthorizationConfiguration describe it.</summary>
public sealed record AuthorizationWebhook
{
    /// <summary>Upstream's values for those that flags name.</summary>
    public static readonly TimeSpan DefaultAuthorizedTtl = TimeSpan.FromMinutes(5), DefaultUnauthorizedTtl = TimeSpan.FromSeconds(30), TimeoutMax = TimeSpan.FromSeconds(30);

    /// <summary>What metrics call it.</summary>
    public string Name { get; init; } = "default";

    /// <summary>A file: its server is the whole address to POST to.</summary>
    public required string Kubeconfig { get; init; }

    /// <summary>For one question, further tries included.</summary>
    public TimeSpan Timeout { get; init; } = TimeoutMax;

    /// <summary>"v1" or "v1beta1", of authorization.k8s.io.</summary>
    public string Version { get; init; } = "v1";

    /// <summary>How long a yes holds; zero: it is not kept.</summary>
    public TimeSpan AuthorizedTtl { get; init; } = DefaultAuthorizedTtl;

    /// <summary>How long anything but a yes holds; zero: it is not kept.</summary>
    public TimeSpan UnauthorizedTtl { get; init; } = DefaultUnauthorizedTtl;

    /// <summary>When it can't be asked: a no (failurePolicy Deny), or the next one decides (NoOpinion).</summary>
    public bool DeniesOnFailure { get; init; }

    /// <summary>All of them must hold for a request to be asked about.</summary>
    public IReadOnlyList<MatchExpression> Conditions { get; init; } = [];
}

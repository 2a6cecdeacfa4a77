namespace Timonier.ApiServer.Authentication;

/// <summary>Who asks, as authentication found out (authentication.k8s.io/v1 UserInfo).</summary>
public sealed record UserInfo(string Name, IReadOnlyList<string> Groups, string Uid = "")
{
    // First: the users below are made with it.
    private static readonly Dictionary<string, IReadOnlyList<string>> NoExtra = [];

    public static readonly UserInfo Anonymous = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>The server's own loops: every right.</summary>
    public static readonly UserInfo Loopback = new("system:apiserver", ["system:masters", "system:authenticated"]);

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Extra { get; init; } = NoExtra;
}

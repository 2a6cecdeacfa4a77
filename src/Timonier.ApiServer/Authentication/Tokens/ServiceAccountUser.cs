namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Names that a service account goes by.</summary>
public static class ServiceAccountUser
{
    public const string Prefix = "system:serviceaccount:";

    public static string Name(string @namespace, string name) => $"{Prefix}{@namespace}:{name}";

    public static IReadOnlyList<string> Groups(string @namespace) => ["system:serviceaccounts", "system:serviceaccounts:" + @namespace];

    /// <summary>Null when the user is no service account.</summary>
    public static (string Namespace, string Name)? Parse(string user)
    {
        if (!user.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        return user[Prefix.Length..].Split(':') is [{ Length: > 0 } @namespace, { Length: > 0 } name] ? (@namespace, name) : null;
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Tokens known from the start: the administrator's, and those of a token file (kube-apiserver --token-auth-file).</summary>
public sealed class StaticTokens : ITokenAuthenticator
{
    // By hash: how long a lookup takes says nothing about the token.
    private readonly Dictionary<string, UserInfo> _users = new(StringComparer.Ordinal);

    public void Add(string token, UserInfo user) => _users[Hash(token)] = user;

    /// <summary>Lines of the form token,user,uid,"group1,group2".</summary>
    /// <exception cref="FormatException">A line with fewer than three columns, or an empty token.</exception>
    public void AddFile(string csv)
    {
        foreach (var line in csv.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var columns = line.Split(',', 4);
            if (columns.Length < 3 || columns[0].Length == 0)
                throw new FormatException("token file must have at least 3 columns (token, user name, user uid)");
            var groups = columns.Length > 3 ? columns[3].Trim().Trim('"').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
            Add(columns[0].Trim().Trim('"'), new UserInfo(columns[1].Trim().Trim('"'), groups, columns[2].Trim().Trim('"')));
        }
    }

    public ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel) =>
        ValueTask.FromResult(_users.TryGetValue(Hash(token), out var user) ? new TokenIdentity(user, []) : null);

    private static string Hash(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}

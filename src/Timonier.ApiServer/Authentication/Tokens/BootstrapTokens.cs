using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Timonier.Api.Core.V1;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Tokens with which a new node joins: Secrets of type bootstrap.kubernetes.io/token in kube-system.</summary>
public sealed partial class BootstrapTokens(IObjectReader objects, TimeProvider time) : ITokenAuthenticator
{
    public ValueTask<TokenIdentity?> AuthenticateAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancel) => ValueTask.FromResult(Authenticate(token));

    private TokenIdentity? Authenticate(string token)
    {
        if (!TokenForm().IsMatch(token))
            return null;
        var (id, secretPart) = (token[..6], token[7..]);
        if (objects.Get<Secret>("kube-system", "bootstrap-token-" + id) is not { Type: "bootstrap.kubernetes.io/token" } secret || secret.Metadata.DeletionTimestamp is not null)
            return null;
        string Value(string key) => secret.Data.TryGetValue(key, out var bytes) ? Encoding.UTF8.GetString(bytes) : "";
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Value("token-secret")), Encoding.UTF8.GetBytes(secretPart)) || Value("token-id") != id)
            return null;
        if (Value("expiration") is { Length: > 0 } expiration
            && !(DateTimeOffset.TryParse(expiration, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until) && time.GetUtcNow() < until))
            return null;
        if (Value("usage-bootstrap-authentication") != "true")
            return null;
        var extraGroups = Value("auth-extra-groups").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (!extraGroups.All(GroupForm().IsMatch))
            return null;
        return new TokenIdentity(new UserInfo("system:bootstrap:" + id, ["system:bootstrappers", .. extraGroups]), []);
    }

    [GeneratedRegex(@"^[a-z0-9]{6}\.[a-z0-9]{16}\z")]
    private static partial Regex TokenForm();

    [GeneratedRegex(@"^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z")]
    private static partial Regex GroupForm();
}

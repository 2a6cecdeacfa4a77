using System.Security.Cryptography;
using System.Text;
using Timonier.Api.Core.V1;
using Timonier.ApiServer.Authentication.Tokens;

namespace Timonier.ApiServer.Tests.Authentication;

public class TokenSecretTests
{
    private static readonly ServiceAccount Account = new() { Metadata = new() { Namespace = "ns", Name = "robot", Uid = "robot-uid" } };
    private static readonly byte[] Ca = Encoding.ASCII.GetBytes("CA");

    private static ServiceAccountIssuer Issuer(TokenKey key) => new(key, "https://issuer", ["aud"], TimeProvider.System, () => "id");

    [Fact]
    public void EmptySecret_GetsTokenCertificateAndNamespace_OnceOnly()
    {
        using var key = new TokenKey(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        var issuer = Issuer(key);
        var secret = new Secret { Metadata = new() { Namespace = "ns", Name = "s", Annotations = new Dictionary<string, string> { ["kubernetes.io/service-account.name"] = "robot" } }, Type = "kubernetes.io/service-account-token" };
        var filled = TokenSecretController.Fill(secret, Account, issuer, Ca)!;
        Assert.Equal(("CA", "ns", "robot-uid"), (Encoding.ASCII.GetString(filled.Data["ca.crt"]), Encoding.ASCII.GetString(filled.Data["namespace"]), filled.Metadata.Annotations["kubernetes.io/service-account.uid"]));
        Assert.Equal(3, Encoding.ASCII.GetString(filled.Data["token"]).Split('.').Length);
        Assert.Null(TokenSecretController.Fill(filled, Account, issuer, Ca));

        var renewed = TokenSecretController.Fill(filled, Account, issuer, Encoding.ASCII.GetBytes("NEW"))!;
        Assert.Equal("NEW", Encoding.ASCII.GetString(renewed.Data["ca.crt"]));
        Assert.Same(filled.Data["token"], renewed.Data["token"]);
    }
}

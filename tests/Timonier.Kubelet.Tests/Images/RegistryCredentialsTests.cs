using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Images;

namespace Timonier.Kubelet.Tests.Images;

public sealed class RegistryCredentialsTests
{
    private static Secret Secret(string json, string type = "kubernetes.io/dockerconfigjson") => new()
    {
        Type = type,
        Data = new Dictionary<string, byte[]> { [type.EndsWith("json", StringComparison.Ordinal) ? ".dockerconfigjson" : ".dockercfg"] = Encoding.UTF8.GetBytes(json) },
    };

    private static string Find(string image, params Secret[] secrets) => string.Join(' ', RegistryCredentials.Find(image, secrets).Select(a => $"{a.Username}:{a.Password}"));

    [Theory]
    [InlineData("reg.example", "reg.example/a:1", "u:p")]
    [InlineData("https://reg.example", "reg.example/a:1", "u:p")]
    [InlineData("https://index.docker.io/v1/", "nginx", "u:p")]
    [InlineData("reg.example:5000", "reg.example:5000/a", "u:p")]
    [InlineData("reg.example/team", "reg.example/team/a", "u:p")]
    [InlineData("reg.example/team", "reg.example/teamwork/a", "")]
    [InlineData("*.example", "reg.example/a", "u:p")]
    [InlineData("*.example", "reg.other/a", "")]
    [InlineData("other.example", "reg.example/a", "")]
    public void Server_MatchesTheImagesRegistry(string server, string image, string expected) =>
        Assert.Equal(expected, Find(image, Secret("""{"auths":{"SERVER":{"username":"u","password":"p"}}}""".Replace("SERVER", server, StringComparison.Ordinal))));

    [Fact]
    public void EncodedAuth_IsRead() => Assert.Equal("u:p:q", Find("r.example/a", Secret("""{"auths":{"r.example":{"auth":"dTpwOnE="}}}""")));

    [Fact]
    public void OldForm_IsRead() => Assert.Equal("u:p", Find("r.example/a", Secret("""{"r.example":{"username":"u","password":"p"}}""", "kubernetes.io/dockercfg")));

    [Fact]
    public void MoreSpecificServer_ComesFirst() =>
        Assert.Equal("b:2 a:1", Find("r.example/t/a", Secret("""{"auths":{"r.example":{"username":"a","password":"1"},"r.example/t":{"username":"b","password":"2"}}}""")));

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"auths":{"r.example":{"auth":"!!"}}}""")]
    [InlineData("""{"auths":{"r.example":5}}""")]
    public void BrokenSecret_HasNoCredentials(string json) => Assert.Equal("", Find("r.example/a", Secret(json)));
}

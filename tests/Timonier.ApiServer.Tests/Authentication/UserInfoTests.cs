using Timonier.ApiServer.Authentication;

namespace Timonier.ApiServer.Tests.Authentication;

public class UserInfoTests
{
    /// <summary>Webhooks and policies are told of the server's own users too.</summary>
    [Fact]
    public void ExtraOfTheServersOwnUsers_IsEmptyNotNull()
    {
        Assert.Empty(UserInfo.Loopback.Extra);
        Assert.Empty(UserInfo.Anonymous.Extra);
    }
}

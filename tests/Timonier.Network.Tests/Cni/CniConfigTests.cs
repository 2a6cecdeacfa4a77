using System.Net;
using System.Text.Json;
using Timonier.Network.Cni;

namespace Timonier.Network.Tests.Cni;

public sealed class CniConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("timonier-cni-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Content_RoutesThePodsOfThisNode()
    {
        using var content = JsonDocument.Parse(CniConfig.Content("net", IPNetwork.Parse("10.244.3.0/24"), "/run/x", mtu: 1450));
        Assert.Equal("net", content.RootElement.GetProperty("name").GetString());
        var plugin = content.RootElement.GetProperty("plugins")[0];
        Assert.Equal(("ptp", false, 1450), (plugin.GetProperty("type").GetString(), plugin.GetProperty("ipMasq").GetBoolean(), plugin.GetProperty("mtu").GetInt32()));
        Assert.Equal("10.244.3.0/24", plugin.GetProperty("ipam").GetProperty("ranges")[0][0].GetProperty("subnet").GetString());
    }

    [Fact]
    public void Write_LeavesOneWholeFile_AndRemoveNone()
    {
        var folder = Path.Combine(_folder, "net.d");
        CniConfig.Write(folder, "net", "one");
        CniConfig.Write(folder, "net", "two");
        Assert.Equal("two", File.ReadAllText(Assert.Single(Directory.GetFiles(folder))));
        CniConfig.Remove(folder, "net");
        Assert.Empty(Directory.GetFiles(folder));
        CniConfig.Remove(Path.Combine(_folder, "absent"), "net");
    }
}

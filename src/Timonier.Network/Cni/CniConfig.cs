using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Timonier.Network.Cni;

/// <summary>
/// What containerd's CNI finds. Pods are routed, not bridged (plugin ptp): every packet passes the node's own IP layer, so
/// that Services, refusals and policies work between pods of one node without br_netfilter. Masquerading and host ports are
/// our own nftables rules, so that no iptables is needed.
/// </summary>
internal static class CniConfig
{
    /// <summary>Of the plugins Debian 12 ships; newer ones understand it too.</summary>
    private const string Version = "0.4.0";

    public static string Content(string networkName, IPNetwork pods, string stateDirectory, int mtu)
    {
        var ptp = new JsonObject
        {
            ["type"] = "ptp",
            ["ipMasq"] = false,
            ["ipam"] = new JsonObject
            {
                ["type"] = "host-local",
                ["dataDir"] = stateDirectory,
                ["ranges"] = new JsonArray(new JsonArray(new JsonObject { ["subnet"] = pods.ToString() })),
                ["routes"] = new JsonArray(new JsonObject { ["dst"] = "0.0.0.0/0" }),
            },
        };
        if (mtu > 0)
            ptp["mtu"] = mtu;
        var list = new JsonObject { ["cniVersion"] = Version, ["name"] = networkName, ["plugins"] = new JsonArray(ptp) };
        return list.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    /// <summary>Whole or not at all, and only when it differs: containerd reads the folder at any moment.</summary>
    public static void Write(string directory, string networkName, string content)
    {
        Directory.CreateDirectory(directory);
        var path = PathOf(directory, networkName);
        if (File.Exists(path) && File.ReadAllText(path) == content)
            return;
        var draft = path + ".new";
        File.WriteAllText(draft, content);
        File.Move(draft, path, overwrite: true);
    }

    public static void Remove(string directory, string networkName)
    {
        // File.Delete minds a missing folder, though not a missing file.
        if (File.Exists(PathOf(directory, networkName)))
            File.Delete(PathOf(directory, networkName));
    }

    private static string PathOf(string directory, string networkName) => Path.Combine(directory, $"10-{networkName}.conflist");
}

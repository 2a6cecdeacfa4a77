using System.Net;

namespace Timonier.Network.Proxy;

/// <summary>The fixed part of our table: hooks, the maps that Services fill, and what happens to every packet. See README.md.</summary>
internal static class NftTable
{
    /// <summary>Keyed by address . protocol . port.</summary>
    public const string Services = "services";

    /// <summary>Keyed by protocol . port, for every address of this node: node ports and host ports.</summary>
    public const string NodePorts = "nodeports";

    /// <summary>Pods of this node as address . address: a pod that reaches itself through a Service must not see its own address as the client's.</summary>
    public const string Hairpins = "hairpins";

    /// <summary>The chain that has a connection refused (TCP reset, else ICMP port unreachable).</summary>
    public const string Refuse = "refuse";

    /// <summary>Statement: the client's address is replaced by ours on the way out. The bit is kube-proxy's.</summary>
    public const string Masquerade = "meta mark set meta mark or 0x4000";

    /// <summary>Statement: some filter hook answers by a refusal. A chain of type nat can only drop silently.</summary>
    private const string MarkRefused = "meta mark set meta mark or 0x8000";

    /// <summary>Makes the table anew, whatever was there before (of an earlier run, say): one transaction, no packet sees it half.</summary>
    /// <param name="podNetwork">Of the whole cluster: between its addresses nothing is masqueraded.</param>
    public static string Create(string table, IPNetwork nodePods, IPNetwork podNetwork, IPNetwork serviceNetwork, IPAddress dns)
    {
        var refused = "meta mark and 0x8000 == 0x8000 goto answer-refused";
        // After translation nothing is addressed to the service network any more; what still is, no Service answers.
        var unknown = $"ip daddr {serviceNetwork} ip daddr != {dns} goto answer-refused";
        return $$"""
            add table ip {{table}}
            delete table ip {{table}}
            table ip {{table}} {
              map {{Services}} { type ipv4_addr . inet_proto . inet_service : verdict; }
              map {{NodePorts}} { type inet_proto . inet_service : verdict; }
              set {{Hairpins}} { type ipv4_addr . ipv4_addr; }
              chain {{Refuse}} { {{MarkRefused}}; }
              chain translate {
                ip daddr . meta l4proto . th dport vmap @{{Services}}
                ip daddr != {{dns}} fib daddr type local meta l4proto . th dport vmap @{{NodePorts}}
              }
              chain answer-refused {
                meta l4proto tcp reject with tcp reset
                reject
              }
              chain guard {
                type filter hook prerouting priority raw;
                iifname != "lo" ip daddr 127.0.0.0/8 drop
              }
              chain prerouting { type nat hook prerouting priority dstnat; jump translate; }
              chain output { type nat hook output priority -100; jump translate; }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                meta mark and 0x4000 == 0x4000 masquerade fully-random
                ct status dnat ip saddr . ip daddr @{{Hairpins}} masquerade fully-random
                ip saddr {{nodePods}} ip daddr != {{podNetwork}} ip daddr != 224.0.0.0/4 masquerade fully-random
                ip saddr 127.0.0.0/8 oifname != "lo" masquerade fully-random
              }
              chain filter-input { type filter hook input priority filter; {{refused}}; }
              chain filter-forward { type filter hook forward priority filter; {{refused}}; {{unknown}}; }
              chain filter-output { type filter hook output priority filter; {{refused}}; {{unknown}}; }
            }

            """;
    }

    public static string Delete(string table) => $"add table ip {table}\ndelete table ip {table}\n";
}

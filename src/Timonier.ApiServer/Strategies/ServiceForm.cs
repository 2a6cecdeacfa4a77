using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>What a Service of a type has and has not.</summary>
internal static class ServiceForm
{
    public static string Type(JsonMap spec) => spec.GetString("type") is { Length: > 0 } type ? type : "ClusterIP";

    public static string Protocol(JsonMap port) => port.GetString("protocol") is { Length: > 0 } protocol ? protocol : "TCP";

    public static bool IsHeadless(JsonMap spec) => spec.Text("clusterIP") == "None" || spec.GetList("clusterIPs") is { Count: > 0 } list && list[0] is "None";

    public static bool NeedsClusterIp(JsonMap spec) => Type(spec) != "ExternalName";

    public static bool NeedsNodePorts(JsonMap spec) =>
        Type(spec) == "NodePort" || (Type(spec) == "LoadBalancer" && spec.GetBool("allocateLoadBalancerNodePorts") != false);

    public static bool NeedsHealthCheckPort(JsonMap spec) => Type(spec) == "LoadBalancer" && spec.Text("externalTrafficPolicy") == "Local";

    public static bool ExternallyAccessible(JsonMap spec) =>
        Type(spec) is "NodePort" or "LoadBalancer" || (Type(spec) == "ClusterIP" && spec.GetList("externalIPs") is { Count: > 0 });
}

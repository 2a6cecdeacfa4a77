using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Pods;

public sealed class EnvironmentMakerTests
{
    private static readonly ContainerSources Sources = new()
    {
        ConfigMaps = new Dictionary<string, ConfigMap> { ["cm"] = new() { Data = new Dictionary<string, string> { ["k"] = "v", ["x.y"] = "dotted" } } },
        Secrets = new Dictionary<string, Secret> { ["s"] = new() { Data = new Dictionary<string, byte[]> { ["p"] = Encoding.UTF8.GetBytes("pw") } } },
        Services =
        [
            new() { Metadata = new() { Name = "kubernetes", Namespace = "default" }, Spec = new() { ClusterIP = "10.96.0.1", Ports = [new() { Name = "https", Port = 443, Protocol = "TCP" }] } },
            new() { Metadata = new() { Name = "my-db", Namespace = "ns" }, Spec = new() { ClusterIP = "10.96.0.9", Ports = [new() { Port = 5432, Protocol = "TCP" }] } },
            new() { Metadata = new() { Name = "headless", Namespace = "ns" }, Spec = new() { ClusterIP = "None", Ports = [new() { Port = 1 }] } },
        ],
        HostIps = ["192.0.2.1"],
        NodeAllocatable = new Dictionary<string, Timonier.Api.Quantity> { ["cpu"] = TestPods.Quantity("4"), ["memory"] = TestPods.Quantity("8Gi") },
    };

    private static IReadOnlyDictionary<string, string> Make(Func<Container, Container> change, Func<PodSpec, PodSpec>? changeSpec = null)
    {
        var pod = TestPods.Pod();
        pod = pod with { Metadata = pod.Metadata with { Labels = new Dictionary<string, string> { ["app"] = "x" } }, Status = pod.Status with { PodIP = "10.0.0.1", PodIPs = [new() { Ip = "10.0.0.1" }] } };
        pod = pod with { Spec = changeSpec?.Invoke(pod.Spec) ?? pod.Spec };
        return EnvironmentMaker.Make(pod, change(pod.Spec.Containers[0]), Sources);
    }

    private static string Value(EnvVarSource source) => Make(c => c with { Env = [new() { Name = "V", ValueFrom = source }] })["V"];

    [Theory]
    [InlineData("metadata.name", "p")]
    [InlineData("metadata.namespace", "ns")]
    [InlineData("metadata.uid", "u1")]
    [InlineData("metadata.labels['app']", "x")]
    [InlineData("metadata.labels", "app=\"x\"")]
    [InlineData("metadata.annotations['none']", "")]
    [InlineData("spec.nodeName", "n")]
    [InlineData("status.podIP", "10.0.0.1")]
    [InlineData("status.hostIP", "192.0.2.1")]
    [InlineData("status.hostIPs", "192.0.2.1")]
    public void FieldReference(string path, string expected) => Assert.Equal(expected, Value(new() { FieldRef = new() { FieldPath = path } }));

    [Theory]
    [InlineData("limits.cpu", "", "4")]
    [InlineData("limits.cpu", "1m", "4000")]
    [InlineData("requests.cpu", "1m", "250")]
    [InlineData("requests.cpu", "1", "1")]
    [InlineData("limits.memory", "1Mi", "64")]
    [InlineData("requests.memory", "", "0")]
    public void ResourceReference_IsDividedAndRoundedUp(string resource, string divisor, string expected)
    {
        var reference = new ResourceFieldSelector { Resource = resource, Divisor = divisor.Length == 0 ? default : TestPods.Quantity(divisor) };
        var resources = new ResourceRequirements
        {
            Requests = new Dictionary<string, Timonier.Api.Quantity> { ["cpu"] = TestPods.Quantity("250m") },
            Limits = new Dictionary<string, Timonier.Api.Quantity> { ["memory"] = TestPods.Quantity("64Mi") },
        };
        Assert.Equal(expected, Make(c => c with { Resources = resources, Env = [new() { Name = "V", ValueFrom = new() { ResourceFieldRef = reference } }] })["V"]);
    }

    [Fact]
    public void KeyReferences_GiveTheirValues()
    {
        Assert.Equal("v", Value(new() { ConfigMapKeyRef = new() { Name = "cm", Key = "k" } }));
        Assert.Equal("pw", Value(new() { SecretKeyRef = new() { Name = "s", Key = "p" } }));
    }

    [Theory]
    [InlineData("none", "k", "configmap \"none\" not found")]
    [InlineData("cm", "none", "couldn't find key none in ConfigMap ns/cm")]
    public void MissingConfigMapKey_IsAnErrorUnlessOptional(string name, string key, string message)
    {
        var reference = new ConfigMapKeySelector { Name = name, Key = key };
        Assert.Equal(message, Assert.Throws<ContainerConfigException>(() => Value(new() { ConfigMapKeyRef = reference })).Message);
        Assert.False(Make(c => c with { Env = [new() { Name = "V", ValueFrom = new() { ConfigMapKeyRef = reference with { Optional = true } } }] }).ContainsKey("V"));
    }

    [Theory]
    [InlineData("none", "p", "secret \"none\" not found")]
    [InlineData("s", "none", "couldn't find key none in Secret ns/s")]
    public void MissingSecretKey_IsAnError(string name, string key, string message) =>
        Assert.Equal(message, Assert.Throws<ContainerConfigException>(() => Value(new() { SecretKeyRef = new() { Name = name, Key = key } })).Message);

    [Fact]
    public void EnvFrom_TakesAllKeysWithPrefix_AndEnvWins()
    {
        var environment = Make(c => c with { EnvFrom = [new() { Prefix = "P_", ConfigMapRef = new() { Name = "cm" } }], Env = [new() { Name = "P_k", Value = "own" }] });
        Assert.Equal("own", environment["P_k"]);
        Assert.Equal("dotted", environment["P_x.y"]);
    }

    [Fact]
    public void Reference_SeesWhatStandsBeforeIt()
    {
        var environment = Make(c => c with { Env = [new() { Name = "B", Value = "$(A)" }, new() { Name = "A", Value = "1" }, new() { Name = "C", Value = "$(A)-$$(A)-$(MY_DB_SERVICE_HOST)" }] });
        Assert.Equal("$(A)", environment["B"]);
        Assert.Equal("1-$(A)-10.96.0.9", environment["C"]);
    }

    [Fact]
    public void Services_GiveTheirVariables()
    {
        var environment = Make(c => c);
        Assert.Equal("10.96.0.9", environment["MY_DB_SERVICE_HOST"]);
        Assert.Equal("5432", environment["MY_DB_SERVICE_PORT"]);
        Assert.Equal("tcp://10.96.0.9:5432", environment["MY_DB_PORT_5432_TCP"]);
        Assert.Equal("443", environment["KUBERNETES_SERVICE_PORT_HTTPS"]);
        Assert.DoesNotContain(environment.Keys, k => k.StartsWith("HEADLESS", StringComparison.Ordinal));
    }

    [Fact]
    public void ServiceLinksOff_LeavesTheApiServer()
    {
        var environment = Make(c => c, s => s with { EnableServiceLinks = false });
        Assert.True(environment.ContainsKey("KUBERNETES_SERVICE_HOST"));
        Assert.False(environment.ContainsKey("MY_DB_SERVICE_HOST"));
    }

    [Theory]
    [InlineData("$(A)", "1")]
    [InlineData("x$(A)y$(A)", "x1y1")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$(A)", "$1")]
    [InlineData("$(MISSING)", "$(MISSING)")]
    [InlineData("$A", "$A")]
    [InlineData("$(A", "$(A")]
    [InlineData("100$", "100$")]
    [InlineData("$()", "$()")]
    public void Expansion_FollowsUpstreamsRules(string text, string expected) =>
        Assert.Equal(expected, Expansion.Expand(text, new Dictionary<string, string> { ["A"] = "1" }));
}

using Timonier.Api.Core.V1;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Tests.Strategies;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.Admission;

/// <summary>Steps of admission that flags and a file turn on, off, and configure.</summary>
public class AdmissionPluginTests
{
    private readonly TestReader _reader = new(Given.Object<Namespace>("""{"metadata":{"name":"ns"}}"""), Given.Object<Namespace>("""{"metadata":{"name":"free"}}"""));

    [Theory]
    [InlineData("Nonsense", "", "enable-admission-plugins plugin \"Nonsense\" is unknown")]
    [InlineData("", "Nonsense", "disable-admission-plugins plugin \"Nonsense\" is unknown")]
    [InlineData("PodSecurity,Priority", "Priority", "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped")]
    public void WrongNames_AreRefusedInUpstreamsWords(string enabled, string disabled, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => AdmissionPlugins.Parse([enabled], [disabled])).Message);

    [Fact]
    public async Task DisabledStep_IsLeftOut()
    {
        var pod = Pod("{\"containers\":[{\"name\":\"c\"}]}");
        await Given.Chain(_reader, disabled: "ServiceAccount,DefaultTolerationSeconds").AdmitAsync(pod, default);
        Assert.Equal((null, null), (pod.Object!.GetPath("spec", "serviceAccountName"), pod.Object!.GetPath("spec", "tolerations")));
    }

    [Fact]
    public async Task AlwaysPullImages_PullsAlways_AndSeesToIt()
    {
        var chain = Given.Chain(_reader, enabled: "AlwaysPullImages,ExtendedResourceToleration", disabled: "ServiceAccount,DefaultTolerationSeconds");
        var pod = Pod("""{"containers":[{"name":"c","image":"i","imagePullPolicy":"Never","resources":{"requests":{"example.com/gpu":"1","cpu":"1"}}}]}""");
        await chain.AdmitAsync(pod, default);
        Given.AssertSame("""[{"name":"c","image":"i","imagePullPolicy":"Always","resources":{"requests":{"example.com/gpu":"1","cpu":"1"}}}]""", pod.Object!.GetPath("spec", "containers"));
        Given.AssertSame("""[{"key":"example.com/gpu","operator":"Exists","effect":"NoSchedule"}]""", pod.Object!.GetPath("spec", "tolerations"));
        var fault = await Record.ExceptionAsync(async () => await chain.ValidateAsync(Pod("""{"containers":[{"name":"c","image":"i","imagePullPolicy":"Never"}]}"""), default));
        Assert.Equal("pods \"p\" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: \"Never\": supported values: \"Always\"", fault?.Message);
    }

    [Theory]
    [InlineData("""{"externalIPs":["203.0.113.1"]}""", null, false)]
    [InlineData("""{"externalIPs":["203.0.113.1"]}""", """{"externalIPs":["203.0.113.1","203.0.113.2"]}""", true)]
    [InlineData("""{"externalIPs":["203.0.113.1"]}""", """{"externalIPs":["203.0.113.2"]}""", false)]
    [InlineData("""{}""", null, true)]
    public async Task ExternalIps_MayOnlyGo(string spec, string? old, bool allowed)
    {
        var service = new AdmissionAttributes
        {
            Scope = Given.Scope("services", name: "s"), Operation = old is null ? "CREATE" : "UPDATE", Object = Given.Json($$$"""{"spec":{{{spec}}}}"""), OldObject = old is null ? null : Given.Json($$$"""{"spec":{{{old}}}}"""),
        };
        var fault = await Record.ExceptionAsync(async () => await Given.Chain(_reader, enabled: "DenyServiceExternalIPs").ValidateAsync(service, default));
        Assert.Equal(allowed ? null : "services \"s\" is forbidden: Use of external IPs is denied by admission control", fault?.Message);
    }

    [Fact]
    public async Task EventsBeyondTheirLimit_AreRefused_UntilTimePasses()
    {
        var time = new FakeTime();
        var chain = Given.Chain(_reader, enabled: "EventRateLimit", time: time, configuration: """
            apiVersion: apiserver.config.k8s.io/v1
            kind: AdmissionConfiguration
            plugins:
            - name: EventRateLimit
              configuration: {apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration, limits: [{type: Namespace, qps: 1, burst: 2, cacheSize: 2}]}
            """);
        Assert.Equal(("", "", "limit reached on type Namespace for key ns", ""), (await SendAsync("ns"), await SendAsync("ns"), await SendAsync("ns"), await SendAsync("free")));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(("", "limit reached on type Namespace for key ns"), (await SendAsync("ns"), await SendAsync("ns")));
        // Two buckets are kept: a third namespace takes the place of the one not used for longest.
        Assert.Equal(("", ""), (await SendAsync("third"), await SendAsync("free")));

        async Task<string> SendAsync(string @namespace) => (await Record.ExceptionAsync(async () => await chain.ValidateAsync(
            new() { Scope = Given.Scope("events", @namespace: @namespace), Operation = "CREATE", Object = Given.Json("{}") }, default)))?.Message ?? "";
    }

    private const string Security = """
        apiVersion: apiserver.config.k8s.io/v1
        kind: AdmissionConfiguration
        plugins:
        - name: PodSecurity
          configuration:
            apiVersion: pod-security.admission.config.k8s.io/v1
            kind: PodSecurityConfiguration
            defaults: {enforce: baseline, enforce-version: v1.30}
            exemptions: {usernames: [USER], runtimeClasses: [kata], namespaces: [free]}
        """;

    [Theory]
    [InlineData("bob", "ns", "", "pods \"p\" is forbidden: violates PodSecurity \"baseline:v1.30\": host namespaces (hostNetwork=true)")]
    [InlineData("alice", "ns", "", null)]
    [InlineData("bob", "free", "", null)]
    [InlineData("bob", "ns", "kata", null)]
    public async Task PodSecurity_HasTheFilesDefaultsAndExemptions(string exempt, string @namespace, string runtimeClass, string? message)
    {
        var chain = Given.Chain(_reader, disabled: "RuntimeClass,Priority", configuration: Security.Replace("USER", exempt, StringComparison.Ordinal));
        var pod = new AdmissionAttributes
        {
            Scope = Given.Scope("pods", name: "p", @namespace: @namespace), Operation = "CREATE",
            Object = Given.Json($$$"""{"metadata":{"name":"p"},"spec":{"runtimeClassName":"{{{runtimeClass}}}","hostNetwork":true,"containers":[{"name":"c"}]}}"""),
        };
        Assert.Equal(message, (await Record.ExceptionAsync(async () => await chain.ValidateAsync(pod, default)))?.Message);
    }

    [Theory]
    [InlineData("kind: Pod\napiVersion: v1", "the kind AdmissionConfiguration of apiserver.config.k8s.io/v1 is wanted")]
    [InlineData("kind: AdmissionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nplugins: [{name: ImagePolicyWebhook}]", "plugin \"ImagePolicyWebhook\" takes no configuration here")]
    [InlineData("kind: AdmissionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nplugins: [{name: PodSecurity, configuration: {kind: PodSecurityConfiguration, apiVersion: pod-security.admission.config.k8s.io/v1, defaults: {enforce: strict}}}]", "defaults.enforce: Invalid value: \"strict\": must be one of privileged, baseline, restricted")]
    public void WrongFile_IsRefused(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => AdmissionConfiguration.Parse(text, _ => "")).Message);

    private static AdmissionAttributes Pod(string spec) => new()
    {
        Scope = Given.Scope("pods", name: "p"), Operation = "CREATE", Object = Given.Json($$$"""{"metadata":{"name":"p"},"spec":{{{spec}}}}"""),
    };
}

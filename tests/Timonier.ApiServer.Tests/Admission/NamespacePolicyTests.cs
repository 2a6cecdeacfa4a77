using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Admission;

/// <summary>What a namespace's own objects and labels say of what is made in it.</summary>
public class NamespacePolicyTests
{
    private const string Account = """{"metadata":{"name":"default","namespace":"ns"}}""";

    [Fact]
    public async Task LimitRange_FillsInWhatContainersLeaveOut()
    {
        var pod = Given.Json("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1"}}}]}}""");
        await Chain(Limits("""{"type":"Container","default":{"cpu":"2","memory":"1Gi"},"defaultRequest":{"cpu":"500m"}}""")).AdmitAsync(Create("pods", pod), default);
        var container = (JsonMap)pod.GetMap("spec")!.GetList("containers")![0]!;
        Given.AssertSame("""{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}}""", container["resources"]);
        Assert.Equal("LimitRanger plugin set: cpu request for container c; memory limit for container c", pod.GetPath("metadata", "annotations", "kubernetes.io/limit-ranger"));
    }

    [Theory]
    [InlineData("""{"type":"Container","min":{"cpu":"1"}}""", """{"requests":{"cpu":"500m"}}""", "minimum cpu usage per Container is 1, but request is 500m")]
    [InlineData("""{"type":"Container","max":{"cpu":"1"}}""", """{"requests":{"cpu":"500m"}}""", "maximum cpu usage per Container is 1.  No limit is specified")]
    [InlineData("""{"type":"Pod","max":{"cpu":"1"}}""", """{"limits":{"cpu":"2"}}""", "maximum cpu usage per Pod is 1, but limit is 2")]
    [InlineData("""{"type":"Container","maxLimitRequestRatio":{"cpu":"2"}}""", """{"requests":{"cpu":"1"},"limits":{"cpu":"3"}}""", "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000")]
    public async Task PodOutsideOfLimits_IsRefused(string limit, string resources, string why)
    {
        var pod = Given.Json("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":RESOURCES}]}}""".Replace("RESOURCES", resources, StringComparison.Ordinal));
        var refusal = await Assert.ThrowsAsync<ApiException>(async () => await Chain(Limits(limit)).ValidateAsync(Create("pods", pod), default));
        Assert.Equal($"pods \"p\" is forbidden: {why}", refusal.Message);
    }

    [Theory]
    [InlineData("pods", """{"hard":{"pods":"1"},"used":{"pods":"1"}}""", "{}", """{"containers":[{"name":"c"}]}""", "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")]
    [InlineData("pods", """{"hard":{"requests.cpu":"1"},"used":{"requests.cpu":"500m"}}""", "{}", """{"containers":[{"name":"c","resources":{"requests":{"cpu":"600m"}}}]}""", "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=500m, limited: requests.cpu=1")]
    [InlineData("pods", """{"hard":{"limits.cpu":"1"},"used":{"limits.cpu":"0"}}""", "{}", """{"containers":[{"name":"c"}]}""", "failed quota: q: must specify limits.cpu for: c")]
    [InlineData("configmaps", """{"hard":{"count/configmaps":"0"},"used":{"count/configmaps":"0"}}""", "{}", "{}", "exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=0, limited: count/configmaps=0")]
    [InlineData("services", """{"hard":{"services.nodeports":"1"},"used":{"services.nodeports":"0"}}""", "{}", """{"type":"NodePort","ports":[{"port":1},{"port":2}]}""", "exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1")]
    [InlineData("pods", """{"hard":{"pods":"0"},"used":{"pods":"0"}}""", """{"scopes":["BestEffort"]}""", """{"containers":[{"name":"c"}]}""", "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0")]
    [InlineData("pods", """{"hard":{"pods":"0"},"used":{"pods":"0"}}""", """{"scopes":["NotBestEffort"]}""", """{"containers":[{"name":"c"}]}""", "")]
    [InlineData("pods", """{"hard":{"pods":"0"},"used":{"pods":"0"}}""", """{"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In","values":["high"]}]}}""", """{"priorityClassName":"high","containers":[{"name":"c"}]}""", "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0")]
    public async Task Quota_RefusesWhatExceedsIt(string resource, string status, string spec, string objectSpec, string why)
    {
        var quota = Given.Object<ResourceQuota>("""{"metadata":{"name":"q","namespace":"ns"},"spec":SPEC,"status":STATUS}""".Replace("SPEC", spec, StringComparison.Ordinal).Replace("STATUS", status, StringComparison.Ordinal));
        var obj = Given.Json("""{"metadata":{"name":"p"},"spec":SPEC}""".Replace("SPEC", objectSpec, StringComparison.Ordinal));
        var fault = await Record.ExceptionAsync(async () => await Chain(quota).ValidateAsync(Create(resource, obj), default));
        Assert.Equal(why.Length == 0 ? null : $"{resource} \"p\" is forbidden: {why}", fault?.Message);
    }

    [Theory]
    [InlineData("baseline", """{"hostNetwork":true,"containers":[{"name":"c","securityContext":{"privileged":true}}]}""", "host namespaces (hostNetwork=true), privileged (container \"c\" must not set securityContext.privileged=true)")]
    [InlineData("baseline", """{"containers":[{"name":"c"}],"volumes":[{"name":"v","hostPath":{"path":"/"}}]}""", "hostPath volumes (volume \"v\")")]
    [InlineData("restricted", """{"containers":[{"name":"c"}]}""", "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")")]
    [InlineData("restricted", """{"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}""", "")]
    [InlineData("baseline", """{"containers":[{"name":"c"}]}""", "")]
    public async Task PodSecurityLevel_IsEnforced_AndWorkloadsAreWarned(string level, string spec, string violations)
    {
        var labels = $"\"pod-security.kubernetes.io/enforce\":\"{level}\",\"pod-security.kubernetes.io/warn\":\"{level}\"";
        var chain = Chain(Given.Object<Namespace>("""{"metadata":{"name":"ns","labels":{LABELS}}}""".Replace("LABELS", labels, StringComparison.Ordinal)));
        var pod = Given.Json("""{"metadata":{"name":"p"},"spec":SPEC}""".Replace("SPEC", spec, StringComparison.Ordinal));
        var fault = await Record.ExceptionAsync(async () => await chain.ValidateAsync(Create("pods", pod), default));
        Assert.Equal(violations.Length == 0 ? null : $"pods \"p\" is forbidden: violates PodSecurity \"{level}:latest\": {violations}", fault?.Message);

        var deployment = Create("deployments.apps", Given.Json("""{"metadata":{"name":"p"},"spec":{"template":{"spec":SPEC}}}""".Replace("SPEC", spec, StringComparison.Ordinal)));
        await chain.ValidateAsync(deployment, default);
        Assert.Equal(violations.Length == 0 ? [] : [$"would violate PodSecurity \"{level}:latest\": {violations}"], deployment.Scope.Warnings);
    }

    /// <summary>Checks came with versions, and some became milder.</summary>
    [Theory]
    [InlineData("restricted", "v1.0", """{"containers":[{"name":"c"}]}""", "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)")]
    [InlineData("restricted", "v1.18", """{"securityContext":{"runAsNonRoot":true},"containers":[{"name":"c"}]}""", "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false)")]
    [InlineData("restricted", "v1.22", """{"securityContext":{"runAsNonRoot":true,"runAsUser":0,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}""", "")]
    [InlineData("restricted", "v1.23", """{"securityContext":{"runAsNonRoot":true,"runAsUser":0,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}""", "runAsUser=0 (pod must not set runAsUser=0)")]
    [InlineData("restricted", "v1.25", """{"os":{"name":"windows"},"securityContext":{"runAsNonRoot":true},"containers":[{"name":"c"}]}""", "")]
    [InlineData("baseline", "v1.26", """{"securityContext":{"sysctls":[{"name":"net.ipv4.ip_local_reserved_ports","value":"1"}]},"containers":[{"name":"c"}]}""", "forbidden sysctls (net.ipv4.ip_local_reserved_ports)")]
    [InlineData("baseline", "v1.27", """{"securityContext":{"sysctls":[{"name":"net.ipv4.ip_local_reserved_ports","value":"1"}]},"containers":[{"name":"c"}]}""", "")]
    [InlineData("baseline", "v1.30", """{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}},"containers":[{"name":"c"}]}""", "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"container_engine_t\")")]
    [InlineData("baseline", "v1.31", """{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}},"containers":[{"name":"c"}]}""", "")]
    [InlineData("baseline", "v1.33", """{"containers":[{"name":"c","livenessProbe":{"httpGet":{"host":"1.2.3.4","port":80}}}]}""", "")]
    [InlineData("baseline", "v1.34", """{"containers":[{"name":"c","livenessProbe":{"httpGet":{"host":"1.2.3.4","port":80}}}]}""", "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"1.2.3.4\")")]
    [InlineData("baseline", "v1.34", """{"hostUsers":false,"containers":[{"name":"c","securityContext":{"procMount":"Unmasked"}}]}""", "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")")]
    [InlineData("baseline", "v1.35", """{"hostUsers":false,"containers":[{"name":"c","securityContext":{"procMount":"Unmasked"}}]}""", "")]
    [InlineData("restricted", "v1.34", """{"hostUsers":false,"securityContext":{"runAsUser":0,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}""", "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), runAsUser=0 (pod must not set runAsUser=0)")]
    [InlineData("restricted", "v1.35", """{"hostUsers":false,"securityContext":{"runAsUser":0,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"procMount":"Unmasked"}}]}""", "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")")]
    public async Task PodSecurityVersion_ChoosesTheProfile(string level, string version, string spec, string violations)
    {
        var labels = $"\"pod-security.kubernetes.io/enforce\":\"{level}\",\"pod-security.kubernetes.io/enforce-version\":\"{version}\"";
        var chain = Chain(Given.Object<Namespace>("""{"metadata":{"name":"ns","labels":{LABELS}}}""".Replace("LABELS", labels, StringComparison.Ordinal)));
        var fault = await Record.ExceptionAsync(async () => await chain.ValidateAsync(Create("pods", Given.Json("""{"metadata":{"name":"p"},"spec":SPEC}""".Replace("SPEC", spec, StringComparison.Ordinal))), default));
        Assert.Equal(violations.Length == 0 ? null : $"pods \"p\" is forbidden: violates PodSecurity \"{level}:{version}\": {violations}", fault?.Message);
    }

    [Theory]
    [InlineData("persistentvolumeclaims", """{"spec":{}}""", "fast")]
    [InlineData("persistentvolumeclaims", """{"spec":{"storageClassName":""}}""", "")]
    public async Task Claim_GetsTheDefaultClassAndItsProtection(string resource, string claim, string expected)
    {
        var obj = Given.Json(claim);
        var chain = Chain(Given.Object<Api.Storage.V1.StorageClass>("""{"metadata":{"name":"fast","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"p"}"""));
        await chain.AdmitAsync(Create(resource, obj), default);
        Assert.Equal(expected, obj.GetPath("spec", "storageClassName"));
        Given.AssertSame("""["kubernetes.io/pvc-protection"]""", obj.GetPath("metadata", "finalizers"));
    }

    [Theory]
    [InlineData("nodes", "", "UPDATE", "n2", """{"metadata":{"name":"n2"}}""", "node \"n1\" is not allowed to modify node \"n2\"")]
    [InlineData("nodes", "", "CREATE", "n1", """{"metadata":{"name":"n1","labels":{"node-restriction.kubernetes.io/x":"y"}}}""", "node \"n1\" is not allowed to set the following labels: node-restriction.kubernetes.io/x")]
    [InlineData("nodes", "", "CREATE", "n1", """{"metadata":{"name":"n1","labels":{"kubernetes.io/os":"linux"}}}""", "")]
    [InlineData("pods", "", "CREATE", "p", """{"metadata":{"name":"p"},"spec":{"nodeName":"n1"}}""", "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"n1\" can only create mirror pods")]
    [InlineData("leases.coordination.k8s.io", "", "CREATE", "n1", """{"metadata":{"name":"n1"}}""", "can only access leases in the \"kube-node-lease\" system namespace")]
    public async Task Node_WritesAboutItselfOnly(string resource, string subresource, string operation, string name, string obj, string why)
    {
        var scope = Given.Scope(resource, operation.ToLowerInvariant(), subresource, name, resource == "nodes" ? "" : "ns") with { User = new UserInfo("system:node:n1", ["system:nodes", "system:authenticated"]) };
        var attributes = new AdmissionAttributes { Scope = scope, Operation = operation, Object = Given.Json(obj), OldObject = operation == "UPDATE" ? [] : null };
        var fault = await Record.ExceptionAsync(async () => await Chain().AdmitAsync(attributes, default));
        Assert.Equal(why.Length == 0 ? null : $"{resource} \"{name}\" is forbidden: {why}", fault?.Message);
    }

    private static LimitRange Limits(string item) => Given.Object<LimitRange>("""{"metadata":{"name":"l","namespace":"ns"},"spec":{"limits":[ITEM]}}""".Replace("ITEM", item, StringComparison.Ordinal));

    private static AdmissionChain Chain(params IKind[] objects)
    {
        var reader = new TestReader(objects);
        if (!reader.List<Namespace>().Any())
            reader.Objects.Add(Given.Object<Namespace>("""{"metadata":{"name":"ns"},"status":{"phase":"Active"}}"""));
        reader.Objects.Add(Given.Object<ServiceAccount>(Account));
        return Given.Chain(reader);
    }

    private static AdmissionAttributes Create(string resource, JsonMap obj) =>
        new() { Scope = Given.Scope(resource, name: "p") with { Warnings = new List<string>(), DryRun = true }, Operation = "CREATE", Object = obj };
}

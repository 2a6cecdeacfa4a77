using Timonier.Api.Errors;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Validation;

/// <summary>Wrong objects and what upstream's own server says of them, in its words.</summary>
public class CreateTests
{
    public static TheoryData<string, string, string> Faults => new()
    {
        { "pods", """{"spec":{}}""", "spec.containers: Required value" },
        { "pods", Pod("""{"name":"C","image":""}"""), "spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')\nspec.containers[0].image: Required value" },
        { "pods", Pod("""{"name":"c","image":"i"},{"name":"c","image":"i"}"""), "spec.containers[1].name: Duplicate value: \"c\"" },
        { "pods", Pod("""{"name":"c","image":"i","ports":[{"containerPort":0},{"containerPort":80,"protocol":"X"}]}"""), "spec.containers[0].ports[0].containerPort: Required value\nspec.containers[0].ports[1].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"" },
        { "pods", Pod("""{"name":"c","image":"i","env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"spec.foo"}}}]}"""), "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.foo\": error converting fieldPath: field label not supported: spec.foo" },
        { "pods", Pod("""{"name":"c","image":"i","env":[{"name":"a","value":"x","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}"""), "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty" },
        { "pods", Pod("""{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/x"}]}"""), "spec.containers[0].volumeMounts[0].name: Not found: \"v\"" },
        { "pods", Pod("""{"name":"c","image":"i","livenessProbe":{}}"""), "spec.containers[0].livenessProbe: Required value: must specify a handler type" },
        { "pods", Pod("""{"name":"c","image":"i","livenessProbe":{"tcpSocket":{"port":0},"successThreshold":2}}"""), "spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive\nspec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1" },
        { "pods", Pod("""{"name":"c","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}"""), "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"restartPolicy":"Maybe","activeDeadlineSeconds":0}"""), "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"\nspec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"volumes":[{"name":"a","emptyDir":{},"hostPath":{"path":"/"}},{"name":"b","secret":{}}]}"""), "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type\nspec.volumes[1].secret.secretName: Required value" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"tolerations":[{"operator":"Equal"}]}"""), "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"dnsPolicy":"None"}"""), "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"initContainers":[{"name":"d","image":"i","readinessProbe":{"exec":{"command":["a"]}}}]}"""), "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"ephemeralContainers":[{"name":"d","image":"i"}]}"""), "spec.ephemeralContainers: Forbidden: cannot be set on create" },
        { "pods", Pod("""{"name":"c","image":"i"}""", """{"securityContext":{"sysctls":[{"name":"foo-","value":"bar"},{"name":"kernel.shmmax","value":"1"},{"name":"bar..","value":"42"}]}}"""), "spec.securityContext.sysctls[0].name: Invalid value: \"foo-\": must have at most 253 characters and match regex ([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?\nspec.securityContext.sysctls[2].name: Invalid value: \"bar..\": must have at most 253 characters and match regex ([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?" },
        { "deployments.apps", Deployment("""{}"""), "spec.selector: Required value\nspec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "deployments.apps", Deployment("""{"selector":{"matchLabels":{"x":"y"}}}"""), "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "deployments.apps", Deployment("""{"selector":{"matchLabels":{"a":"b"}},"replicas":-1,"strategy":{"type":"Recreate","rollingUpdate":{}}}"""), "spec.replicas: Invalid value: -1: must be greater than or equal to 0\nspec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'" },
        { "services", """{"spec":{}}""", "spec.ports: Required value" },
        { "services", """{"spec":{"ports":[{"port":80},{"port":81}]}}""", "spec.ports[0].name: Required value\nspec.ports[1].name: Required value" },
        { "services", """{"spec":{"type":"ExternalName"}}""", "spec.externalName: Required value" },
        { "services", """{"spec":{"ports":[{"port":80,"nodePort":30000}]}}""", "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'" },
        { "configmaps", """{"data":{"a b":"c"}}""", "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')" },
        { "secrets", """{"type":"kubernetes.io/tls"}""", "data[tls.crt]: Required value\ndata[tls.key]: Required value" },
        { "persistentvolumeclaims", """{"spec":{}}""", "spec.accessModes: Required value: at least 1 access mode is required\nspec.resources[storage]: Required value" },
        { "persistentvolumes", """{"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"local":{"path":"/x"}}}""", "spec.nodeAffinity: Required value: Local volume requires node affinity" },
        { "jobs.batch", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"" },
        { "cronjobs.batch", """{"spec":{"schedule":"* * *","timeZone":"Nowhere/City","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}}""", "spec.schedule: Invalid value: \"* * *\": expected exactly 5 fields, found 3: [* * *]\nspec.timeZone: Invalid value: \"Nowhere/City\": unknown time zone Nowhere/City" },
        { "roles.rbac.authorization.k8s.io", """{"rules":[{"verbs":[]}]}""", "rules[0].verbs: Required value: verbs must contain at least one value\nrules[0].apiGroups: Required value: resource rules must supply at least one api group\nrules[0].resources: Required value: resource rules must supply at least one resource" },
        { "ingresses.networking.k8s.io", """{"spec":{}}""", "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified" },
        { "networkpolicies.networking.k8s.io", """{"spec":{"podSelector":{},"ingress":[{"from":[{}]}]}}""", "spec.ingress[0].from[0]: Required value: must specify a peer" },
        { "poddisruptionbudgets.policy", """{"spec":{"minAvailable":1,"maxUnavailable":1}}""", "spec: Invalid value: {}: minAvailable and maxUnavailable cannot be both set" },
        { "horizontalpodautoscalers.autoscaling", """{"spec":{"maxReplicas":0,"scaleTargetRef":{"kind":"Deployment","name":"d"}}}""", "spec.maxReplicas: Invalid value: 0: must be greater than 0\nspec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`" },
        { "priorityclasses.scheduling.k8s.io", """{"metadata":{"name":"x"},"value":1000000001}""", "value: Forbidden: maximum allowed value of a user defined priority is 1000000000" },
        { "storageclasses.storage.k8s.io", """{"provisioner":""}""", "provisioner: Required value" },
        { "endpointslices.discovery.k8s.io", """{"addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}],"ports":[]}""", "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)" },
        { "leases.coordination.k8s.io", """{"spec":{"leaseDurationSeconds":0}}""", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void WrongObject_IsToldInUpstreamsWords(string resource, string given, string expected)
    {
        var strategy = Given.Strategies(new TestReader())[resource];
        var scope = Given.Scope(resource);
        var obj = Given.Json(given);
        obj.EnsureMap("metadata")["name"] ??= "x";
        obj.EnsureMap("metadata")["uid"] = "uid";
        strategy.Default(obj);
        strategy.PrepareForCreate(scope, obj);
        var errors = new FieldErrors();
        strategy.ValidateCreate(scope, obj, errors);
        Assert.Equal(expected, Given.Lines(errors));
    }

    private static string Pod(string containers, string spec = "{}") => Spec(spec, $"\"containers\":[{containers}]");

    private static string Deployment(string spec) =>
        Spec(spec, """ "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}} """);

    private static string Spec(string spec, string more) => "{\"spec\":" + spec[..^1] + (spec.Length > 2 ? "," : "") + more + "}}";
}

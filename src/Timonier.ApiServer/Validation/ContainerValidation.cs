using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;

namespace Timonier.ApiServer.Validation;

/// <summary>The containers of a pod: upstream validateContainers, validateInitContainers, validateEphemeralContainers.</summary>
internal static class ContainerValidation
{
    private static readonly string[] EphemeralForbidden =
        ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules"];

    public static void Containers(PodSpec spec, IReadOnlyDictionary<string, Volume> volumes, string path, FieldErrors errors)
    {
        if (spec.Containers.Count == 0)
            errors.Required($"{path}.containers");
        var context = new ContainerContext(spec, volumes, errors);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.Containers.Count; i++)
        {
            var container = spec.Containers[i];
            var at = $"{path}.containers[{i}]";
            Container(container, at, context);
            if (container.Lifecycle is { } lifecycle)
                ProbeValidation.Lifecycle(lifecycle, spec, $"{at}.lifecycle", errors);
            Probes(container, at, errors);
            if (!names.Add(container.Name))
                errors.Duplicate($"{at}.name", container.Name);
        }
        HostPorts(spec.Containers, $"{path}.containers", errors);
        for (var i = 0; i < spec.InitContainers.Count; i++)
        {
            var container = spec.InitContainers[i];
            var at = $"{path}.initContainers[{i}]";
            Container(container, at, context);
            if (!names.Add(container.Name))
                errors.Duplicate($"{at}.name", container.Name);
            InitContainer(container, spec, at, errors);
            HostPorts([container], $"{path}.initContainers", errors);
        }
        Ephemeral(spec, context, names, $"{path}.ephemeralContainers");
    }

    public static void Ephemeral(PodSpec spec, ContainerContext context, HashSet<string> names, string path)
    {
        var errors = context.Errors;
        var targets = new HashSet<string>(names, StringComparer.Ordinal);
        for (var i = 0; i < spec.EphemeralContainers.Count; i++)
        {
            var ephemeral = spec.EphemeralContainers[i];
            var at = $"{path}[{i}]";
            // The same fields, so that one set of rules reads both.
            var tree = JsonParser.ParseMap(ToBytes(ephemeral));
            Container(JsonWrite.FromBytes<Container>(ToBytes(ephemeral)), at, context);
            if (ephemeral.Name.Length > 0 && !names.Add(ephemeral.Name))
                errors.Duplicate($"{at}.name", ephemeral.Name);
            foreach (var field in EphemeralForbidden)
            {
                if (tree[field] is not (null or JsonMap { Count: 0 } or JsonList { Count: 0 }))
                    errors.Forbidden($"{at}.{field}", "cannot be set for an Ephemeral Container");
            }
            for (var m = 0; m < ephemeral.VolumeMounts.Count; m++)
            {
                if (ephemeral.VolumeMounts[m].SubPath.Length > 0)
                    errors.Forbidden($"{at}.volumeMounts[{m}].subPath", "cannot be set for an Ephemeral Container");
                if (ephemeral.VolumeMounts[m].SubPathExpr.Length > 0)
                    errors.Forbidden($"{at}.volumeMounts[{m}].subPathExpr", "cannot be set for an Ephemeral Container");
            }
            if (ephemeral.TargetContainerName.Length > 0 && !targets.Contains(ephemeral.TargetContainerName))
                errors.NotFound($"{at}.targetContainerName", ephemeral.TargetContainerName);
        }
    }

    private static byte[] ToBytes(EphemeralContainer container)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer, JsonEncoder.Options))
            container.Write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Container(Container container, string path, ContainerContext context)
    {
        var errors = context.Errors;
        if (container.Name.Length == 0)
            errors.Required($"{path}.name");
        else
            errors.Each($"{path}.name", container.Name, Names.Label(container.Name));
        if (container.Image.Length == 0)
            errors.Required($"{path}.image");
        switch (container.TerminationMessagePolicy)
        {
            case "File" or "FallbackToLogsOnError": break;
            case "": errors.Required($"{path}.terminationMessagePolicy"); break;
            default: errors.NotSupported($"{path}.terminationMessagePolicy", container.TerminationMessagePolicy, ["File", "FallbackToLogsOnError"]); break;
        }
        Ports(container.Ports, $"{path}.ports", errors);
        EnvValidation.Env(container.Env, $"{path}.env", errors);
        EnvValidation.EnvFrom(container.EnvFrom, $"{path}.envFrom", errors);
        MountValidation.Mounts(container, context, path);
        MountValidation.Devices(container, context, path);
        errors.OneOf($"{path}.imagePullPolicy", container.ImagePullPolicy, "Always", "IfNotPresent", "Never");
        ResourceValidation.Requirements(container.Resources, $"{path}.resources", errors, context.ClaimNames);
        for (var i = 0; i < container.ResizePolicy.Count; i++)
        {
            errors.OneOf($"{path}.resizePolicy[{i}].resourceName", container.ResizePolicy[i].ResourceName, "cpu", "memory");
            errors.OneOf($"{path}.resizePolicy[{i}].restartPolicy", container.ResizePolicy[i].RestartPolicy, "NotRequired", "RestartContainer");
        }
        SecurityValidation.Container(container, $"{path}.securityContext", errors);
    }

    private static void InitContainer(Container container, PodSpec spec, string path, FieldErrors errors)
    {
        if (container.RestartPolicy == "Always")
        {
            if (container.Lifecycle is { } lifecycle)
                ProbeValidation.Lifecycle(lifecycle, spec, $"{path}.lifecycle", errors);
            Probes(container, path, errors);
            return;
        }
        if (container.Lifecycle is not null)
            errors.Forbidden($"{path}.lifecycle", "may not be set for init containers without restartPolicy=Always");
        if (container.LivenessProbe is not null)
            errors.Forbidden($"{path}.livenessProbe", "may not be set for init containers without restartPolicy=Always");
        if (container.ReadinessProbe is not null)
            errors.Forbidden($"{path}.readinessProbe", "may not be set for init containers without restartPolicy=Always");
        if (container.StartupProbe is not null)
            errors.Forbidden($"{path}.startupProbe", "may not be set for init containers without restartPolicy=Always");
    }

    private static void Probes(Container container, string path, FieldErrors errors)
    {
        ProbeValidation.Probe(container.LivenessProbe, $"{path}.livenessProbe", errors, onlyOneSuccess: true);
        ProbeValidation.Probe(container.ReadinessProbe, $"{path}.readinessProbe", errors);
        if (container.ReadinessProbe?.TerminationGracePeriodSeconds is { } seconds)
            errors.Invalid($"{path}.readinessProbe.terminationGracePeriodSeconds", seconds, "must not be set for readinessProbes");
        ProbeValidation.Probe(container.StartupProbe, $"{path}.startupProbe", errors, onlyOneSuccess: true);
    }

    private static void Ports(IReadOnlyList<ContainerPort> ports, string path, FieldErrors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < ports.Count; i++)
        {
            var port = ports[i];
            if (port.Name.Length > 0)
            {
                if (Names.PortName(port.Name) is { Count: > 0 } faults)
                    errors.Each($"{path}[{i}].name", port.Name, faults);
                else if (!names.Add(port.Name))
                    errors.Duplicate($"{path}[{i}].name", port.Name);
            }
            if (port.ContainerPortValue == 0)
                errors.Required($"{path}[{i}].containerPort");
            else
                errors.Each($"{path}[{i}].containerPort", port.ContainerPortValue, Names.PortNumber(port.ContainerPortValue));
            if (port.HostPort != 0)
                errors.Each($"{path}[{i}].hostPort", port.HostPort, Names.PortNumber(port.HostPort));
            errors.OneOf($"{path}[{i}].protocol", port.Protocol, "SCTP", "TCP", "UDP");
            if (port.HostIP.Length > 0)
                errors.Each($"{path}[{i}].hostIP", port.HostIP, Names.Ip(port.HostIP));
        }
    }

    private static void HostPorts(IReadOnlyList<Container> containers, string path, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var c = 0; c < containers.Count; c++)
        {
            for (var p = 0; p < containers[c].Ports.Count; p++)
            {
                var port = containers[c].Ports[p];
                if (port.HostPort == 0)
                    continue;
                var key = $"{port.Protocol}/{port.HostIP}/{port.HostPort}";
                if (!seen.Add(key))
                    errors.Duplicate($"{path}[{c}].ports[{p}].hostPort", key);
            }
        }
    }
}

/// <summary>What the checks of one container need to know of its pod.</summary>
internal sealed record ContainerContext(PodSpec Spec, IReadOnlyDictionary<string, Volume> Volumes, FieldErrors Errors)
{
    public IReadOnlySet<string> ClaimNames { get; } = Spec.ResourceClaims.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
}

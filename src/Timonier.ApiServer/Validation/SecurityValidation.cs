using System.Text.RegularExpressions;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;

namespace Timonier.ApiServer.Validation;

/// <summary>Security contexts of pods and containers.</summary>
internal static partial class SecurityValidation
{
    private const string SysctlFormat = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?";

    [GeneratedRegex("^" + SysctlFormat + "$")]
    private static partial Regex SysctlName { get; }

    public static void Pod(PodSpec spec, string path, FieldErrors errors)
    {
        if (spec.HostNetwork)
            HostNetworkPorts(spec, path, errors);
        if (spec.ShareProcessNamespace == true && spec.HostPID)
            errors.Invalid($"{path}.securityContext.shareProcessNamespace", true, "ShareProcessNamespace and HostPID cannot both be enabled");
        if (spec.HostUsers == false)
        {
            if (spec.HostNetwork)
                errors.Forbidden($"{path}.hostNetwork", "when `hostUsers` is false");
            if (spec.HostPID)
                errors.Forbidden($"{path}.hostPID", "when `hostUsers` is false");
            if (spec.HostIPC)
                errors.Forbidden($"{path}.hostIPC", "when `hostUsers` is false");
        }
        if (spec.SecurityContext is not { } context)
            return;
        var at = $"{path}.securityContext";
        Id(context.FsGroup, $"{at}.fsGroup", errors);
        Id(context.RunAsUser, $"{at}.runAsUser", errors);
        Id(context.RunAsGroup, $"{at}.runAsGroup", errors);
        for (var i = 0; i < context.SupplementalGroups.Count; i++)
            Id(context.SupplementalGroups[i], $"{at}.supplementalGroups[{i}]", errors);
        Sysctls(context.Sysctls, spec, $"{at}.sysctls", errors);
        errors.OneOfOptional($"{at}.fsGroupChangePolicy", context.FsGroupChangePolicy, "Always", "OnRootMismatch");
        errors.OneOfOptional($"{at}.supplementalGroupsPolicy", context.SupplementalGroupsPolicy, "Merge", "Strict");
        errors.OneOfOptional($"{at}.seLinuxChangePolicy", context.SeLinuxChangePolicy, "MountOption", "Recursive");
        Seccomp(context.SeccompProfile, $"{at}.seccompProfile", errors);
        AppArmor(context.AppArmorProfile, $"{at}.appArmorProfile", errors);
    }

    public static void Container(Container container, string path, FieldErrors errors)
    {
        if (container.SecurityContext is not { } context)
            return;
        Id(context.RunAsUser, $"{path}.runAsUser", errors);
        Id(context.RunAsGroup, $"{path}.runAsGroup", errors);
        errors.OneOfOptional($"{path}.procMount", context.ProcMount, "Default", "Unmasked");
        Seccomp(context.SeccompProfile, $"{path}.seccompProfile", errors);
        if (context.AllowPrivilegeEscalation == false)
        {
            if (context.Privileged == true)
                errors.Invalid(path, Shown(context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
            if (context.Capabilities?.Add.Contains("CAP_SYS_ADMIN") == true)
                errors.Invalid(path, Shown(context), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
        AppArmor(context.AppArmorProfile, $"{path}.appArmorProfile", errors);
    }

    private static void HostNetworkPorts(PodSpec spec, string path, FieldErrors errors)
    {
        for (var c = 0; c < spec.Containers.Count; c++)
        {
            for (var p = 0; p < spec.Containers[c].Ports.Count; p++)
            {
                var port = spec.Containers[c].Ports[p];
                // In a template the host port may stay open: it is filled in when the pod is made.
                if (port.HostPort != 0 && port.HostPort != port.ContainerPortValue)
                    errors.Invalid($"{path}.containers[{c}].ports[{p}].hostPort", port.HostPort, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }

    private static void Sysctls(IReadOnlyList<Sysctl> sysctls, PodSpec spec, string path, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < sysctls.Count; i++)
        {
            var name = sysctls[i].Name;
            if (name.Length == 0)
                errors.Required($"{path}[{i}].name");
            else if (name.Length > 253 || !SysctlName.IsMatch(name))
                errors.Invalid($"{path}[{i}].name", name, $"must have at most 253 characters and match regex {SysctlFormat}");
            else if (!seen.Add(name.Replace('/', '.')))
                errors.Duplicate($"{path}[{i}].name", name);
            if (spec.HostNetwork && name.StartsWith("net.", StringComparison.Ordinal))
                errors.Invalid($"{path}[{i}].name", name, "may not be specified when 'hostNetwork' is true");
            if (spec.HostIPC && (name.StartsWith("kernel.shm", StringComparison.Ordinal) || name.StartsWith("kernel.msg", StringComparison.Ordinal) || name == "kernel.sem" || name.StartsWith("fs.mqueue.", StringComparison.Ordinal)))
                errors.Invalid($"{path}[{i}].name", name, "may not be specified when 'hostIPC' is true");
        }
    }

    private static void Id(long? id, string path, FieldErrors errors)
    {
        if (id is < 0 or > int.MaxValue)
            errors.Invalid(path, id, Names.Range(0, int.MaxValue));
    }

    private static void Seccomp(SeccompProfile? profile, string path, FieldErrors errors)
    {
        if (profile is null)
            return;
        errors.OneOf($"{path}.type", profile.Type, "Localhost", "RuntimeDefault", "Unconfined");
        if (profile.Type == "Localhost")
        {
            if (profile.LocalhostProfile is { } local)
                VolumeValidation.RelativePath(local, $"{path}.localhostProfile", errors);
            else
                errors.Required($"{path}.localhostProfile", "must be set when seccomp type is Localhost");
        }
        else if (profile.LocalhostProfile is { } local)
            errors.Invalid($"{path}.localhostProfile", local, "can only be set when seccomp type is Localhost");
    }

    private static void AppArmor(AppArmorProfile? profile, string path, FieldErrors errors)
    {
        if (profile is null)
            return;
        switch (profile.Type)
        {
            case "Localhost":
                if (string.IsNullOrWhiteSpace(profile.LocalhostProfile))
                    errors.Required($"{path}.localhostProfile", "must be set when AppArmor type is Localhost");
                else if (profile.LocalhostProfile.Trim() != profile.LocalhostProfile)
                    errors.Invalid($"{path}.localhostProfile", profile.LocalhostProfile, "must not be padded with whitespace");
                break;
            case "RuntimeDefault" or "Unconfined":
                if (profile.LocalhostProfile is { } local)
                    errors.Invalid($"{path}.localhostProfile", local, "can only be set when AppArmor type is Localhost");
                break;
            default:
                errors.OneOf($"{path}.type", profile.Type, "Localhost", "RuntimeDefault", "Unconfined");
                break;
        }
    }

    private static Api.Json.JsonMap Shown(SecurityContext context)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer, Api.Json.JsonEncoder.Options))
            context.Write(writer);
        return Api.Json.JsonParser.ParseMap(buffer.WrittenSpan);
    }
}

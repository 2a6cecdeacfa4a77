using System.Globalization;
using Timonier.Api.Json;

namespace Timonier.Cli.Describing;

/// <summary>The containers of a pod, with their states, or of a pod template.</summary>
/// <param name="pod">Whose fields environment variables refer to; null for a template.</param>
/// <param name="indent">Before every line of a template.</param>
internal sealed class PodContainers(DescribeText text, JsonMap? pod, string indent)
{
    public void Describe(string title, JsonList? containers, JsonList? statuses)
    {
        text.Line(0, $"{indent}{title}:{(containers is { Count: > 0 } ? "" : " <none>")}");
        foreach (var container in (containers ?? []).OfType<JsonMap>())
        {
            var status = (statuses ?? []).OfType<JsonMap>().FirstOrDefault(s => s.GetString("name") == container.GetString("name"));
            text.Line(1, $"{(indent.Length > 0 ? " " : "")}{container.GetString("name")}:");
            Basics(container, status);
            Words("Command", container.GetList("command"));
            Words("Args", container.GetList("args"));
            if (status is not null)
                States(status);
            Resources(text, container.GetMap("resources"));
            foreach (var probe in new[] { "liveness", "readiness", "startup" })
            {
                if (container.GetMap(probe + "Probe") is { } definition)
                    text.Field(char.ToUpperInvariant(probe[0]) + probe[1..], Probe(definition), 2);
            }
            EnvironmentSources(container.GetList("envFrom"));
            Environment(container);
            Mounts(container);
        }
    }

    private void Basics(JsonMap container, JsonMap? status)
    {
        if (status is not null)
            text.Field("Container ID", status.GetString("containerID"), 2);
        text.Field("Image", container.GetString("image"), 2);
        if (status is not null)
            text.Field("Image ID", status.GetString("imageID"), 2);
        var ports = (container.GetList("ports") ?? []).OfType<JsonMap>().ToList();
        Ports("Port", [.. ports.Select(p => Port(p, "containerPort"))]);
        Ports("Host Port", [.. ports.Select(p => Port(p, "hostPort"))]);
        if (container.GetMap("securityContext")?.GetMap("seccompProfile") is { } seccomp)
            Seccomp(text, seccomp, 2);
    }

    private static string Port(JsonMap port, string field) => $"{DescribeText.Show(port[field] ?? 0L)}/{port.GetString("protocol") ?? "TCP"}";

    private void Ports(string title, IReadOnlyList<string> ports) => text.Field(ports.Count > 1 ? title + "s" : title, ports.Count == 0 ? "<none>" : string.Join(", ", ports), 2);

    public static void Seccomp(DescribeText text, JsonMap profile, int level)
    {
        text.Field("SeccompProfile", profile.GetString("type"), level);
        if (profile.GetString("type") == "Localhost")
            text.Field("LocalhostProfile", profile.GetString("localhostProfile"), level);
    }

    private void Words(string title, JsonList? words)
    {
        if (words is not { Count: > 0 })
            return;
        text.Line(2, title + ":");
        foreach (var line in words.OfType<string>().SelectMany(w => w.Split('\n')))
            text.Line(3, line);
    }

    private void States(JsonMap status)
    {
        State("State", status.GetMap("state"));
        if (status.GetPath("lastState", "terminated") is JsonMap)
            State("Last State", status.GetMap("lastState"));
        text.Field("Ready", status.GetBool("ready") == true ? "True" : "False", 2);
        text.Field("Restart Count", status["restartCount"] ?? 0L, 2);
    }

    private void State(string title, JsonMap? state)
    {
        if (state?.GetMap("running") is { } running)
        {
            text.Field(title, "Running", 2);
            text.Field("  Started", text.Time(running["startedAt"]), 2);
        }
        else if (state?.GetMap("terminated") is { } terminated)
        {
            text.Field(title, "Terminated", 2);
            text.FieldIf("Reason", terminated["reason"], 3);
            text.FieldIf("Message", terminated["message"], 3);
            text.Field("Exit Code", terminated["exitCode"], 3);
            text.FieldIf("Signal", terminated["signal"] is long and > 0 ? terminated["signal"] : null, 3);
            text.Field("Started", text.Time(terminated["startedAt"]), 3);
            text.Field("Finished", text.Time(terminated["finishedAt"]), 3);
        }
        else
        {
            text.Field(title, "Waiting", 2);
            text.FieldIf("Reason", state?.GetMap("waiting")?["reason"], 3);
        }
    }

    public static void Resources(DescribeText text, JsonMap? resources)
    {
        foreach (var kind in new[] { "limits", "requests" })
        {
            if (resources?.GetMap(kind) is not { Count: > 0 } amounts)
                continue;
            text.Line(2, char.ToUpperInvariant(kind[0]) + kind[1..] + ":");
            foreach (var (name, amount) in DescribeText.Sorted(amounts))
                text.Field(name, amount, 3);
        }
    }

    private static string Probe(JsonMap probe)
    {
        string Number(string field, long otherwise) => (probe.GetInteger(field) ?? otherwise).ToString(CultureInfo.InvariantCulture);
        var timing = $"delay={Number("initialDelaySeconds", 0)}s timeout={Number("timeoutSeconds", 0)}s period={Number("periodSeconds", 0)}s #success={Number("successThreshold", 0)} #failure={Number("failureThreshold", 0)}";
        if (probe.GetMap("exec") is { } exec)
            return $"exec [{string.Join(' ', exec.GetList("command") ?? [])}] {timing}";
        if (probe.GetMap("httpGet") is { } http)
            return $"http-get {(http.GetString("scheme") ?? "HTTP").ToLowerInvariant()}://{http.GetString("host")}:{DescribeText.Show(http["port"])}{http.GetString("path")} {timing}";
        if (probe.GetMap("tcpSocket") is { } tcp)
            return $"tcp-socket {tcp.GetString("host")}:{DescribeText.Show(tcp["port"])} {timing}";
        return probe.GetMap("grpc") is { } grpc ? $"grpc <pod>:{DescribeText.Show(grpc["port"])} {grpc.GetString("service")} {timing}" : "unknown " + timing;
    }

    private void EnvironmentSources(JsonList? sources)
    {
        if (sources is not { Count: > 0 })
            return;
        text.Line(2, "Environment Variables from:");
        foreach (var source in sources.OfType<JsonMap>())
        {
            var (kind, reference) = source.GetMap("configMapRef") is { } map ? ("ConfigMap", map) : ("Secret", source.GetMap("secretRef") ?? []);
            var prefix = source.GetString("prefix") is { Length: > 0 } given ? $" with prefix '{given}'" : "";
            text.Line(3, $"{reference.GetString("name")}\t{kind}{prefix}\tOptional: {Flag(reference)}");
        }
    }

    private static string Flag(JsonMap reference) => reference.GetBool("optional") == true ? "true" : "false";

    private void Environment(JsonMap container)
    {
        var variables = (container.GetList("env") ?? []).OfType<JsonMap>().ToList();
        text.Line(2, "Environment:" + (variables.Count == 0 ? "\t<none>" : ""));
        foreach (var variable in variables)
        {
            var name = variable.GetString("name") + ":";
            if (variable.GetMap("valueFrom") is { } from)
            {
                text.Line(3, $"{name}\t{From(container, from)}");
                continue;
            }
            foreach (var line in (variable.GetString("value") ?? "").Split('\n'))
            {
                text.Line(3, $"{name}\t{line}");
                name = "";
            }
        }
    }

    private string From(JsonMap container, JsonMap from)
    {
        if (from.GetMap("secretKeyRef") is { } secret)
            return $"<set to the key '{secret.GetString("key")}' in secret '{secret.GetString("name")}'>\tOptional: {Flag(secret)}";
        if (from.GetMap("configMapKeyRef") is { } map)
            return $"<set to the key '{map.GetString("key")}' of config map '{map.GetString("name")}'>\tOptional: {Flag(map)}";
        if (from.GetMap("fieldRef") is { } field)
            return $"{(pod is null ? "" : DescribeText.Show(pod.GetPath((field.GetString("fieldPath") ?? "").Split('.'))))} ({field.GetString("apiVersion") ?? "v1"}:{field.GetString("fieldPath")})";
        var resource = from.GetMap("resourceFieldRef")?.GetString("resource") ?? "";
        var amount = pod is not null && resource.Split('.', 2) is [var list, var name] ? DescribeText.Show((container.GetMap("resources")?.GetMap(list))?[name]) : "";
        return $"{amount} ({resource})";
    }

    private void Mounts(JsonMap container)
    {
        var mounts = (container.GetList("volumeMounts") ?? []).OfType<JsonMap>().OrderBy(m => m.GetString("mountPath"), StringComparer.Ordinal).ToList();
        text.Line(2, "Mounts:" + (mounts.Count == 0 ? "\t<none>" : ""));
        foreach (var mount in mounts)
        {
            var flags = (mount.GetBool("readOnly") == true ? "ro" : "rw") + (mount.GetString("subPath") is { Length: > 0 } path ? $",path=\"{path}\"" : "");
            text.Line(3, $"{mount.GetString("mountPath")} from {mount.GetString("name")} ({flags})");
        }
        if (container.GetList("volumeDevices") is not { Count: > 0 } devices)
            return;
        text.Line(2, "Devices:");
        foreach (var device in devices.OfType<JsonMap>())
            text.Line(3, $"{device.GetString("devicePath")} from {device.GetString("name")}");
    }
}

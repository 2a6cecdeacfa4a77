using Timonier.Api.Json;

namespace Timonier.ApiServer.Strategies;

/// <summary>
/// Defaults of a pod's spec that no schema says (upstream pkg/apis/core/v1/defaults.go). <see cref="Template"/> is for the
/// pods of workloads, <see cref="Pod"/> adds what only a pod itself gets: a default in a template would start rollouts.
/// </summary>
internal static class PodDefaults
{
    private const long GracePeriodSeconds = 30;
    private const long FileMode = 420; // 0644
    private const long TokenSeconds = 3600;

    public static void Pod(JsonMap spec)
    {
        Template(spec);
        foreach (var container in spec.Maps("containers").Concat(spec.Maps("initContainers")))
            RequestsFromLimits(container);
        PodLevelResources.Default(spec);
        spec.Default("enableServiceLinks", true);
        if (spec.GetBool("hostNetwork") != true)
            return;
        foreach (var port in spec.Maps("containers").Concat(spec.Maps("initContainers")).SelectMany(c => c.Maps("ports")))
            port.DefaultZero("hostPort", port["containerPort"] ?? 0L);
    }

    public static void Template(JsonMap spec)
    {
        spec.DefaultZero("dnsPolicy", "ClusterFirst");
        spec.DefaultZero("restartPolicy", "Always");
        spec.Default("securityContext", new JsonMap());
        spec.Default("terminationGracePeriodSeconds", GracePeriodSeconds);
        spec.DefaultZero("schedulerName", "default-scheduler");
        // serviceAccount is the old name of serviceAccountName; whoever reads finds both.
        var account = spec.Text("serviceAccountName").Length > 0 ? spec.Text("serviceAccountName") : spec.Text("serviceAccount");
        if (account.Length > 0)
            spec["serviceAccountName"] = spec["serviceAccount"] = account;
        foreach (var key in (ReadOnlySpan<string>)["initContainers", "containers", "ephemeralContainers"])
        {
            foreach (var container in spec.Maps(key))
                Container(container);
        }
        foreach (var volume in spec.Maps("volumes"))
            Volume(volume);
    }

    private static void Container(JsonMap container)
    {
        container.DefaultZero("imagePullPolicy", PullPolicy(container.Text("image")));
        container.DefaultZero("terminationMessagePath", "/dev/termination-log");
        container.DefaultZero("terminationMessagePolicy", "File");
        foreach (var port in container.Maps("ports"))
            port.DefaultZero("protocol", "TCP");
        foreach (var variable in container.Maps("env"))
            (variable.GetPath("valueFrom", "fieldRef") as JsonMap)?.DefaultZero("apiVersion", "v1");
        foreach (var key in (ReadOnlySpan<string>)["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.GetMap(key) is not { } probe)
                continue;
            probe.DefaultZero("timeoutSeconds", 1L);
            probe.DefaultZero("periodSeconds", 10L);
            probe.DefaultZero("successThreshold", 1L);
            probe.DefaultZero("failureThreshold", 3L);
            HttpGet(probe);
        }
        if (container.GetMap("lifecycle") is not { } lifecycle)
            return;
        HttpGet(lifecycle.GetMap("postStart"));
        HttpGet(lifecycle.GetMap("preStop"));
    }

    private static void HttpGet(JsonMap? handler)
    {
        if (handler?.GetMap("httpGet") is not { } action)
            return;
        action.DefaultZero("path", "/");
        action.DefaultZero("scheme", "HTTP");
    }

    private static void Volume(JsonMap volume)
    {
        // Nothing but its name, or names with null: no source at all.
        var sources = 0;
        foreach (var (key, value) in volume)
            sources += key != "name" && value is not null ? 1 : 0;
        if (sources == 0)
            volume["emptyDir"] = new JsonMap();
        foreach (var key in (ReadOnlySpan<string>)["secret", "configMap", "downwardAPI", "projected"])
            volume.GetMap(key)?.Default("defaultMode", FileMode);
        volume.GetMap("hostPath")?.Default("type", "");
        if (volume.GetMap("image") is { } image)
            image.DefaultZero("pullPolicy", PullPolicy(image.Text("reference")));
        DownwardItems(volume.GetMap("downwardAPI"));
        foreach (var source in volume.GetMap("projected").Maps("sources"))
        {
            source.GetMap("serviceAccountToken")?.Default("expirationSeconds", TokenSeconds);
            DownwardItems(source.GetMap("downwardAPI"));
        }
        if (volume.GetPath("ephemeral", "volumeClaimTemplate", "spec") is JsonMap claim)
            claim.Default("volumeMode", "Filesystem");
    }

    private static void DownwardItems(JsonMap? source)
    {
        foreach (var item in source.Maps("items"))
            item.GetMap("fieldRef")?.DefaultZero("apiVersion", "v1");
    }

    private static void RequestsFromLimits(JsonMap container)
    {
        if (container.GetPath("resources", "limits") is not JsonMap { Count: > 0 } limits)
            return;
        var requests = container.EnsureMap("resources").EnsureMap("requests");
        foreach (var (name, value) in limits)
            requests.Default(name, value!);
    }

    /// <summary>Always for the tag latest or none, IfNotPresent for all others and for digests.</summary>
    private static readonly System.Buffers.SearchValues<char> ImageNameLetters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:[]");

    private static string PullPolicy(string image)
    {
        // What is no reference of an image has no tag either, to upstream's parser.
        var name = image.AsSpan(0, image.IndexOf(':', image.LastIndexOf('/') + 1) is >= 0 and var end ? end : image.Length);
        if (image.Contains('@', StringComparison.Ordinal) || name is { Length: 0 or > 255 } || name[(name.IndexOf('/') + 1)..].ContainsAnyInRange('A', 'Z') || name.IndexOfAnyExcept(ImageNameLetters) >= 0)
            return "IfNotPresent";
        var colon = image.LastIndexOf(':');
        var tag = colon > image.LastIndexOf('/') ? image[(colon + 1)..] : "latest";
        return tag == "latest" ? "Always" : "IfNotPresent";
    }
}

using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission;

/// <summary>Gives each new pod a service account, the account's pull secrets, and a token in its containers.</summary>
internal sealed class ServiceAccountAdmission(IObjectReader reader, RandomNames names, TimeProvider time) : IMutatingAdmission
{
    private const string VolumePrefix = "kube-api-access-";
    private const string TokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    // An hour and seven seconds: recognizable, and what upstream asks for.
    private const long TokenSeconds = 3607;

    // A namespace gets its account "default" a moment after it is made; who makes a pod at once waits for it (upstream: 10 times, 100 ms and more apart).
    private const int AttemptsMax = 20;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(100);

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        if (!attributes.IsFor("pods") || !attributes.IsCreate() || attributes.Object is not { } pod)
            return;
        var spec = pod.Spec();
        if (pod.IsMirrorPod())
        {
            CheckMirrorPod(attributes, spec);
            return;
        }
        spec.DefaultZero("serviceAccountName", "default");
        var name = spec.Text("serviceAccountName");
        spec["serviceAccount"] = name;
        var account = await FindAsync(attributes.Scope.Namespace, name, cancel)
            ?? throw attributes.Forbidden($"error looking up service account {attributes.Scope.Namespace}/{name}: serviceaccount \"{name}\" not found");
        if (spec.GetBool("automountServiceAccountToken") ?? account.AutomountServiceAccountToken ?? true)
            MountToken(spec);
        if (spec.GetList("imagePullSecrets") is not { Count: > 0 } && account.ImagePullSecrets.Count > 0)
            spec["imagePullSecrets"] = new JsonList(account.ImagePullSecrets.Select(s => new JsonMap { ["name"] = s.Name }));
    }

    private async ValueTask<ServiceAccount?> FindAsync(string @namespace, string name, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            var account = reader.Get<ServiceAccount>(@namespace, name);
            if (account is not null || name != "default" || attempt == AttemptsMax)
                return account;
            await Task.Delay(BetweenAttempts, time, cancel);
        }
    }

    private static void CheckMirrorPod(AdmissionAttributes attributes, JsonMap spec)
    {
        if (spec.Text("serviceAccountName").Length > 0)
            throw attributes.Forbidden("a mirror pod may not reference service accounts");
        foreach (var volume in spec.Maps("volumes"))
        {
            if (volume.GetMap("secret") is not null)
                throw attributes.Forbidden("a mirror pod may not reference secrets");
            if (volume.GetMap("projected").Maps("sources").Any(s => s.GetMap("serviceAccountToken") is not null))
                throw attributes.Forbidden("a mirror pod may not use ServiceAccountToken volume projections");
        }
    }

    private void MountToken(JsonMap spec)
    {
        var volume = spec.Maps("volumes").Select(v => v.Text("name")).FirstOrDefault(n => n.StartsWith(VolumePrefix, StringComparison.Ordinal));
        var name = volume ?? VolumePrefix + names.Suffix();
        var mounted = false;
        foreach (var container in spec.Maps("initContainers").Concat(spec.Maps("containers")))
        {
            if (container.Maps("volumeMounts").Any(m => m.Text("mountPath") == TokenPath))
                continue;
            container.EnsureList("volumeMounts").Add(new JsonMap { ["name"] = name, ["readOnly"] = true, ["mountPath"] = TokenPath });
            mounted = true;
        }
        if (mounted && volume is null)
            spec.EnsureList("volumes").Add(TokenVolume(name));
    }

    private static JsonMap TokenVolume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonMap
        {
            ["sources"] = new JsonList
            {
                new JsonMap { ["serviceAccountToken"] = new JsonMap { ["expirationSeconds"] = TokenSeconds, ["path"] = "token" } },
                new JsonMap
                {
                    ["configMap"] = new JsonMap
                    {
                        ["name"] = "kube-root-ca.crt",
                        ["items"] = new JsonList { new JsonMap { ["key"] = "ca.crt", ["path"] = "ca.crt" } },
                    },
                },
                new JsonMap
                {
                    ["downwardAPI"] = new JsonMap
                    {
                        ["items"] = new JsonList
                        {
                            new JsonMap { ["path"] = "namespace", ["fieldRef"] = new JsonMap { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" } },
                        },
                    },
                },
            },
            ["defaultMode"] = 420L,
        },
    };
}

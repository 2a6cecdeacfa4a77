using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>Priority and fairness at work: what one client does to the others when it asks for more than the server can do.</summary>
public sealed class FloodTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const int Objects = 3000, Askers = 500;

    [Fact]
    public async Task ClientThatFloods_IsHeldBack_WhileHeartbeatsAndLoopsGoOn()
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        using var admin = Client(server, null);
        await ArrangeAsync(server, admin);
        using var stop = new CancellationTokenSource();
        using var flooder = Client(server, "flooder");
        var refused = 0;
        var answered = 0;
        var flood = Enumerable.Range(0, Askers).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    using var answer = await flooder.GetAsync(Maps, HttpCompletionOption.ResponseHeadersRead, stop.Token);
                    if (answer.StatusCode == HttpStatusCode.TooManyRequests)
                    {
                        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
                        var status = JsonNode.Parse(await answer.Content.ReadAsStringAsync(stop.Token))!;
                        Assert.Equal("Too many requests, please try again later.", (string?)status["message"]);
                        Interlocked.Increment(ref refused);
                        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, stop.Token);
                        continue;
                    }
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    await answer.Content.CopyToAsync(Stream.Null, stop.Token);
                    Interlocked.Increment(ref answered);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                }
            }
        }).ToList();

        using var node = Client(server, "system:node:n1", "system:nodes");
        var slowest = TimeSpan.Zero;
        for (var beat = 0; beat < 20; beat++)
        {
            var started = Stopwatch.GetTimestamp();
            using var patched = await SendAsync(node, HttpMethod.Patch, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1", $$$"""{"spec":{"leaseDurationSeconds":{{{40 + beat}}}}}""", "application/merge-patch+json");
            Assert.Equal(HttpStatusCode.OK, patched.StatusCode);
            var took = Stopwatch.GetElapsedTime(started);
            slowest = took > slowest ? took : slowest;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
        var loops = Stopwatch.StartNew();
        using var created = await SendAsync(admin, HttpMethod.Post, "/apis/apps/v1/namespaces/default/deployments", """
            {"metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        while (JsonNode.Parse(await admin.GetStringAsync("/api/v1/namespaces/default/pods?labelSelector=a%3Db"))!["items"]!.AsArray().Count < 2)
            Assert.True(loops.Elapsed < TimeSpan.FromSeconds(30), "the loops made no pods");
        await stop.CancelAsync();
        await Task.WhenAll(flood);

        // A kubelet's heartbeat has ten seconds; a node that was silent for forty is taken for lost.
        Assert.True(slowest < TimeSpan.FromSeconds(10), $"the slowest heartbeat took {slowest}");
        Assert.True(refused > 0 && answered > 0, $"{refused} refused, {answered} answered");
        var metrics = await admin.GetStringAsync("/metrics");
        Assert.Contains("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"global-default\",priority_level=\"global-default\",reason=\"queue-full\"}", metrics);
        Assert.DoesNotContain("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"system-node-high\"", metrics);
    }

    private static async Task ArrangeAsync(TimonierServer server, HttpClient admin)
    {
        Assert.Equal(0, (await server.KubectlAsync("create", "clusterrolebinding", "flooder", "--clusterrole=view", "--user=flooder")).ExitCode);
        var text = new string('x', 800);
        await Parallel.ForAsync(0, Objects, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
        {
            using var made = await SendAsync(admin, HttpMethod.Post, Maps, $$$"""{"metadata":{"name":"m{{{i}}}"},"data":{"k":"{{{text}}}"}}""");
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        });
        using var lease = await SendAsync(admin, HttpMethod.Post, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", """{"metadata":{"name":"n1"},"spec":{"holderIdentity":"n1","leaseDurationSeconds":40}}""");
        Assert.Equal(HttpStatusCode.Created, lease.StatusCode);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, string body, string type = "application/json") =>
        client.SendAsync(new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type)), Version = client.DefaultRequestVersion });

    /// <summary>With the administrator's certificate, for himself or as another user.</summary>
    private static HttpClient Client(TimonierServer server, string? user, string? group = null)
    {
        var certificate = AdminCertificate(server.Kubeconfig);
#pragma warning disable CA5359 // The server is this test's own, on the loopback.
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { ClientCertificates = [certificate], RemoteCertificateValidationCallback = (_, _, _, _) => true },
            EnableMultipleHttp2Connections = true,
        };
#pragma warning restore CA5359
        var client = new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{server.Port}"), Timeout = TimeSpan.FromSeconds(90), DefaultRequestVersion = HttpVersion.Version20 };
        if (user is not null)
            client.DefaultRequestHeaders.Add("Impersonate-User", user);
        if (group is not null)
            client.DefaultRequestHeaders.Add("Impersonate-Group", group);
        return client;
    }

    private static X509Certificate2 AdminCertificate(string kubeconfig)
    {
        string Pem(string key) => Encoding.UTF8.GetString(Convert.FromBase64String(File.ReadLines(kubeconfig).First(l => l.Contains(key + ":", StringComparison.Ordinal)).Split(':')[1].Trim()));
        return X509Certificate2.CreateFromPem(Pem("client-certificate-data"), Pem("client-key-data"));
    }
}

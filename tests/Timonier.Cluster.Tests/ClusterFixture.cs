using System.Globalization;
using System.Security.Cryptography;
using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests;

/// <summary>One cluster with a real node for all tests of a class: its own containerd, networks and tables, all gone at the end.</summary>
public class ClusterFixture : IAsyncLifetime
{
    public const string Image = "timonier.test/box:1";
    private FileStream? _claim;

    public TimonierServer Server { get; private set; } = null!;

    /// <summary>The first two parts of the addresses of this cluster's pods, and the first three of its Services.</summary>
    public string PodNetwork { get; private set; } = "";
    public string ServiceNetwork { get; private set; } = "";

    public async Task InitializeAsync()
    {
        (_claim, var number) = ClaimNumber();
        (PodNetwork, ServiceNetwork) = ($"10.{number}", $"172.20.{number}");
        Server = await TimonierServer.StartAsync("--instance", $"t{number}", "--node-name", "test-node",
            "--pod-cidr", $"{PodNetwork}.0.0/24", "--service-cidr", $"{ServiceNetwork}.0/24");
        try
        {
            await PrepareAsync();
            await WaitAsync(async () => (await KubectlAsync("get", "nodes")).Contains(" Ready ", StringComparison.Ordinal), "the node is Ready");
        }
        catch (Exception e)
        {
            var state = await StateAsync();
            await DisposeAsync();
            throw new InvalidOperationException($"{e.Message}\n{state}", e);
        }
    }

    /// <summary>What a person would look at: pods, the last events, the end of the logs of pods that are not ready, and of the server's.</summary>
    private async Task<string> StateAsync()
    {
        var pods = (await Server.KubectlAsync("get", "pods", "-A", "-o", "wide")).All;
        var text = pods + (await Server.KubectlAsync("get", "events", "-A", "--sort-by=.metadata.creationTimestamp")).All;
        foreach (var pod in pods.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(p => p is [_, _, "0/1", ..]))
            text += $"{pod[1]}:\n{(await Server.KubectlAsync("logs", "-n", pod[0], pod[1], "--tail=20")).All}";
        return text + string.Join('\n', File.ReadLines(Path.Combine(Server.DataDirectory, "test.log")).TakeLast(20));
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        await _claim!.DisposeAsync();
    }

    /// <summary>Brings the images that the tests of a class want.</summary>
    protected virtual Task PrepareAsync() => BuildImageAsync();

    public async Task<string> KubectlAsync(params string[] arguments)
    {
        var result = await Server.KubectlAsync(arguments);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"kubectl {string.Join(' ', arguments)}: {result.All}");
    }

    /// <summary>A field by jsonpath, without braces; empty when it is absent.</summary>
    public async Task<string> FieldAsync(string target, string path, string @namespace = "default") =>
        (await Server.KubectlAsync("get", target, "-n", @namespace, "-o", $"jsonpath={{{path}}}")).Output.Trim();

    /// <summary>What a command in a pod says; null when it fails.</summary>
    public async Task<string?> TryExecuteAsync(string pod, string script)
    {
        var result = await Server.KubectlAsync("exec", pod, "--", "sh", "-c", script);
        return result.ExitCode == 0 ? result.Output.Trim() : null;
    }

    public async Task<string> ExecuteAsync(string pod, string script) => (await KubectlAsync("exec", pod, "--", "sh", "-c", script)).Trim();

    public Task ReadyAsync(params string[] pods) => KubectlAsync(["wait", "--for=condition=Ready", .. pods.Select(p => $"pod/{p}"), "--timeout=90s"]);

    public async Task ApplyAsync(string yaml)
    {
        var result = await Server.KubectlAsync(["apply", "-f", "-"], yaml);
        Assert.True(result.ExitCode == 0, result.All);
    }

    public static async Task WaitAsync(Func<Task<bool>> holds, string what, int seconds = 60)
    {
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds > seconds)
                Assert.Fail($"not within {seconds} s: {what}");
            await Task.Delay(200);
        }
    }

    /// <summary>A number that no other cluster of tests on this machine has, for as long as the file is held: several copies may run.</summary>
    internal static (FileStream Claim, int Number) ClaimNumber()
    {
        const int first = 100, end = 240;
        while (true)
        {
            var number = RandomNumberGenerator.GetInt32(first, end);
            try
            {
                var path = Path.Combine(Path.GetTempPath(), $"timonier-test-number-{number.ToString(CultureInfo.InvariantCulture)}");
                return (new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose), number);
            }
            catch (IOException)
            {
                // Another one's.
            }
        }
    }

    /// <summary>busybox, from the distribution's static program, and bash with its libraries, which resolves names as most programs do.</summary>
    private async Task BuildImageAsync()
    {
        var context = Directory.CreateDirectory(Path.Combine(Server.DataDirectory, "image")).FullName;
        File.Copy("/bin/busybox", Path.Combine(context, "busybox"));
        var libraries = (await Run.ProgramAsync("ldd", ["/usr/bin/bash", "/usr/bin/getent"])).Output.Split([' ', '\n', '\t']).Where(w => w.StartsWith('/') && !w.EndsWith(':')).Append("/usr/bin/bash").Append("/usr/bin/getent").Distinct();
        foreach (var file in libraries)
        {
            var target = Path.Combine(context, "root", file[1..]);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        // The static busybox can't use the C library's resolver, which its wget calls even for a number.
        await File.WriteAllTextAsync(Path.Combine(context, "get"), """
            #!/usr/bin/bash
            # get HOST [PORT [PATH]]: the page there
            exec 3<>"/dev/tcp/$1/${2:-80}" || exit
            printf 'GET %s HTTP/1.0\r\n\r\n' "${3:-/}" >&3
            sed '1,/^.$/d' <&3
            """);
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), """
            FROM scratch
            COPY root /
            COPY busybox /bin/busybox
            COPY --chmod=755 get /bin/get
            RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && /bin/busybox mkdir -p /tmp /etc /www"]
            CMD ["/bin/sh", "-c", "trap exit TERM; hostname > /www/index.html; httpd -p 80 -h /www; while true; do sleep 1; done"]
            """);
        var built = await Server.TimonierAsync("image", "build", "-t", Image, context);
        Assert.True(built.ExitCode == 0, built.All);
    }
}

using Timonier.Testing.Processes;

namespace Timonier.Cluster.Tests;

/// <summary>One cluster with a real node for all cluster tests: its own containerd, networks and tables, all gone at the end.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    public const string Image = "timonier.test/box:1";

    public TimonierServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        // Several copies of the tests may run: names and networks are drawn.
        var draw = System.Security.Cryptography.RandomNumberGenerator.GetInt32(1, 120);
        Server = await TimonierServer.StartAsync("--instance", $"t{draw}", "--node-name", "test-node",
            "--pod-cidr", $"10.{100 + draw}.0.0/24", "--service-cidr", $"172.20.{draw}.0/24");
        try
        {
            await BuildImageAsync();
            await WaitAsync(async () => (await KubectlAsync("get", "nodes")).Contains(" Ready ", StringComparison.Ordinal), "the node is Ready");
        }
        catch
        {
            await Server.DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();

    public async Task<string> KubectlAsync(params string[] arguments)
    {
        var result = await Server.KubectlAsync(arguments);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"kubectl {string.Join(' ', arguments)}: {result.All}");
    }

    public async Task ApplyAsync(string yaml)
    {
        var result = await Server.KubectlAsync(["apply", "-f", "-"], yaml);
        Assert.True(result.ExitCode == 0, result.All);
    }

    public static async Task WaitAsync(Func<Task<bool>> holds, string what, int seconds = 60)
    {
        for (var i = 0; i < seconds * 5; i++)
        {
            if (await holds())
                return;
            await Task.Delay(200);
        }
        Assert.Fail($"not within {seconds} s: {what}");
    }

    /// <summary>busybox, from the distribution's static program, and bash with its libraries, which resolves names as most programs do.</summary>
    private async Task BuildImageAsync()
    {
        var context = Directory.CreateDirectory(Path.Combine(Server.DataDirectory, "image")).FullName;
        File.Copy("/bin/busybox", Path.Combine(context, "busybox"));
        var libraries = (await Run.ProgramAsync("ldd", ["/usr/bin/bash"])).Output.Split([' ', '\n', '\t']).Where(w => w.StartsWith('/')).Append("/usr/bin/bash");
        foreach (var file in libraries)
        {
            var target = Path.Combine(context, "root", file[1..]);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), """
            FROM scratch
            COPY root /
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && /bin/busybox mkdir -p /tmp /etc /www"]
            CMD ["/bin/sh", "-c", "trap exit TERM; hostname > /www/index.html; httpd -p 80 -h /www; while true; do sleep 1; done"]
            """);
        var built = await Server.TimonierAsync("image", "build", "-t", Image, context);
        Assert.True(built.ExitCode == 0, built.All);
    }
}

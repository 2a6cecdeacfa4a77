using Timonier.Api.Json;
using Timonier.Api.Yaml;

namespace Timonier.Cli.Tests;

/// <summary>A server with objects of every kind that has a description of its own, with their status.</summary>
public sealed class DescribeServer : IAsyncLifetime
{
    internal CliServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await CliServer.StartAsync();
        var objects = await File.ReadAllTextAsync(Path.Combine(KubectlRecord.Root, "tests/Timonier.Cli.Tests/Golden/describe-objects.yaml"));
        await Server.WriteAsync("objects.yaml", objects);
        var created = await Server.RunAsync("create -f objects.yaml -o name");
        Assert.True(created.Code == 0, created.Error);
        var titles = created.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (obj, title) in YamlReader.ReadAll(objects).OfType<JsonMap>().Zip(titles).Where(o => o.First.ContainsKey("status")))
        {
            var status = System.Text.Encoding.UTF8.GetString(JsonEncoder.Encode(new JsonMap { ["status"] = obj["status"] }));
            var done = await Server.RunAsync(["patch", title, "-n", (string?)obj.GetPath("metadata", "namespace") ?? "default", "--subresource=status", "--type=merge", "-p", status]);
            Assert.True(done.Code == 0, done.Error);
        }
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>describe says of the kinds that people have what kubectl says, letter by letter.</summary>
public sealed class DescribeTests(DescribeServer server) : IClassFixture<DescribeServer>
{
    private static readonly KubectlRecord Record = new("describe");

    [Theory]
    [InlineData("pod rich")]
    [InlineData("pod waiting")]
    [InlineData("pods -l app=web")]
    [InlineData("node worker")]
    [InlineData("ns shop")]
    [InlineData("ns default")]
    [InlineData("svc web")]
    [InlineData("svc plain")]
    [InlineData("endpoints web")]
    [InlineData("deploy web")]
    [InlineData("rs web-1")]
    [InlineData("rc old")]
    [InlineData("sts db")]
    [InlineData("ds agent")]
    [InlineData("job once")]
    [InlineData("cronjob often")]
    [InlineData("cm settings")]
    [InlineData("secret hidden")]
    [InlineData("sa robot")]
    [InlineData("pvc data")]
    [InlineData("pv disk")]
    [InlineData("sc local")]
    [InlineData("quota q -n shop")]
    [InlineData("limits l -n shop")]
    [InlineData("ingress entry")]
    [InlineData("role reader")]
    [InlineData("rolebinding readers")]
    [InlineData("pdb web")]
    [InlineData("hpa web")]
    [InlineData("lease one")]
    [InlineData("pod missing")]
    [InlineData("pods -n shop")]
    [InlineData("pod rich --show-events=false")]
    public async Task SaysWhatKubectlSays(string what)
    {
        string[] words = ["describe", .. what.Split(' ')];
        var theirs = await Record.AskAsync(server.Server, what, words);
        var ours = KubectlRecord.Stable(await server.Server.RunAsync(words), server.Server);
        KubectlRecord.AssertSame(theirs, ours);
    }
}

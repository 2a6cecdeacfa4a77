using System.CommandLine;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;
using Timonier.ApiServer;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.Strategies;
using Timonier.Client;
using Timonier.Store;

namespace Timonier.Cli.Tests;

/// <summary>What a command said and how it ended.</summary>
internal sealed record CliResult(int Code, string Out, string Error);

/// <summary>A server in this process, and our commands.</summary>
internal sealed class CliServer : IAsyncDisposable
{
    private readonly EmbeddedStore _store = EmbeddedStore.InMemory(TimeProvider.System);
    private readonly ApiServer.ApiServer _server;

    private CliServer()
    {
        var schema = new ApiSchema();
        var reader = new ObjectReader(schema, _store);
        ApiServer.ApiServer? server = null;
        var published = new PublishedApi(schema, () => server!.Registry.Resources, "127.0.0.1", "v1.36.0");
        server = _server = new ApiServer.ApiServer(
            new ApiServerOptions
            {
                Schema = schema, Store = _store, Reader = reader, Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Strategies = StrategyTable.Create(schema, new ServiceNetwork(IPNetwork.Parse("10.96.0.0/12"), new Random(1)), reader),
                Handlers = [new DiscoveryHandler(published), new OpenApiHandler(published)],
            },
            NullLoggerFactory.Instance);
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("timonier-cli-").FullName;

    /// <summary>The environment of our commands.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string Address => $"http://{_server.Endpoint}";

    public ApiClient Client => new(_server.InProcess());

    public static async Task<CliServer> StartAsync()
    {
        var server = new CliServer();
        await server._server.StartAsync();
        foreach (var name in new[] { "default", "shop" })
            await server.Client.CreateAsync(new Namespace { Metadata = new ObjectMeta { Name = name } });
        await File.WriteAllTextAsync(Path.Combine(server.Directory, "config"), $$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "{{server.Address}}"} }]
            users: [{name: u, user: {token: t} }]
            contexts: [{name: x, context: {cluster: c, user: u} }, {name: shop, context: {cluster: c, user: u, namespace: shop} }]
            current-context: x
            """);
        return server;
    }

    public async Task<string> WriteAsync(string name, string text)
    {
        var path = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text);
        return path;
    }

    /// <summary>Our command, in this process.</summary>
    public async Task<CliResult> RunAsync(string[] arguments, string input = "", CancellationToken cancel = default)
    {
        using var bytes = new MemoryStream();
        using var output = new StreamWriter(bytes, leaveOpen: true) { AutoFlush = true };
        using var error = new StringWriter();
        var root = new RootCommand();
        KubectlCommands.AddTo(root, new CliEnvironment
        {
            Out = output, Error = error, OutBytes = bytes, In = new MemoryStream(Encoding.UTF8.GetBytes(input)), CurrentDirectory = Directory,
            Variable = name => name == "KUBECONFIG" ? Path.Combine(Directory, "config") : Variables.GetValueOrDefault(name),
        });
        var parsed = root.Parse(arguments);
        if (UsageFault.Of(parsed) is { } fault)
            return new CliResult(1, "", fault + "\n");
        var code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error }, cancel);
        return new CliResult(code, Encoding.UTF8.GetString(bytes.ToArray()), error.ToString());
    }

    public Task<CliResult> RunAsync(string line, string input = "") => RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), input);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}

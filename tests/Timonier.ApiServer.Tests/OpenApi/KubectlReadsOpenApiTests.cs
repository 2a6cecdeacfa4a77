using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Timonier.Api.Schema;
using Timonier.ApiServer.Discovery;

namespace Timonier.ApiServer.Tests.OpenApi;

/// <summary>The stock kubectl reads our discovery and OpenAPI documents.</summary>
public sealed class KubectlReadsOpenApiTests : IAsyncLifetime
{
    private readonly WebApplication _server;
    private readonly string _home = Directory.CreateTempSubdirectory("timonier-kubectl-").FullName;

    public KubectlReadsOpenApiTests()
    {
        var schema = new ApiSchema();
        var discovery = new DiscoveryDocuments([.. ServedResources.Select(schema, _ => false), OpenApiDocumentsTests.Foo.Resource], [], "127.0.0.1");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(async context =>
        {
            var (path, accept) = (context.Request.Path.Value!, context.Request.Headers.Accept.ToString());
            if (discovery.Find(path, accept) is { } found)
            {
                context.Response.ContentType = found.ContentType;
                await context.Response.Body.WriteAsync(found.Body);
            }
            else if (OpenApiDocumentsTests.WithCustom.Find(path, accept, context.Request.Query["hash"]) is { } document)
            {
                context.Response.ContentType = document.ContentType;
                context.Response.Headers.ContentEncoding = "gzip";
                await context.Response.Body.WriteAsync(document.Gzip);
            }
            else
                context.Response.StatusCode = 404;
        });
    }

    public Task InitializeAsync() => _server.StartAsync();

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", ["--server=" + _server.Urls.First(), "--cache-dir=" + _home, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["KUBECONFIG"] = Path.Combine(_home, "none");
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token) + await error;
        await process.WaitForExitAsync(limit.Token);
        return output;
    }

    [Fact]
    public async Task Explain_ShowsFieldsOfBuiltInAndCustomResources()
    {
        var containers = await RunAsync("explain", "deployments.spec.template.spec.containers");
        Assert.Contains("FIELD: containers <[]Container>", containers);
        Assert.Contains("  name\t<string> -required-", containers);
        var custom = await RunAsync("explain", "foos");
        Assert.Contains("DESCRIPTION:\n    Foo for Testing", custom);
        Assert.Contains("APIVersion defines", custom);
        Assert.Contains("field \"nope\" does not exist", await RunAsync("explain", "foos.spec.nope"));
    }

    [Fact]
    public async Task ApiResources_ListsAll()
    {
        var lines = (await RunAsync("api-resources", "-o", "name")).Split('\n');
        Assert.Contains("deployments.apps", lines);
        Assert.Contains("foos.stable.example.com", lines);
    }
}

using Timonier.Api.Json;
using Timonier.Cli.Config;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli;

/// <summary>The cluster that a command talks to.</summary>
internal sealed class Cluster : IDisposable
{
    /// <summary>Who manages the fields that our commands set; kubectl's own name would mix up with it.</summary>
    public const string FieldManager = "kubectl-client-side-apply";
    private const string UserAgent = "timonier-cli";

    public Cluster(ClusterConnection connection, CliEnvironment environment)
    {
        (Connection, Environment) = (connection, environment);
        Transport = new HttpTransport(connection.Options, environment.Time);
        Client = new ApiClient(new WarningTransport(Transport, environment.Error), UserAgent);
        Mapper = new ResourceMapper(Client);
    }

    public ClusterConnection Connection { get; }
    public CliEnvironment Environment { get; }
    public HttpTransport Transport { get; }
    public ApiClient Client { get; }
    public ResourceMapper Mapper { get; }

    /// <summary>Any request with a JSON answer.</summary>
    public async Task<JsonMap> SendAsync(string method, string path, string query, JsonMap? body, CancellationToken cancel, string contentType = ApiRequest.Json, string accept = ApiRequest.Json)
    {
        var request = new ApiRequest { Method = method, Path = path, Query = query, Body = body is null ? default : JsonEncoder.Encode(body), ContentType = contentType, Accept = accept };
        var response = await Client.SendAsync(request, cancel);
        return JsonParser.ParseMap(response.Body.IsSingleSegment ? response.Body.FirstSpan : System.Buffers.BuffersExtensions.ToArray(response.Body));
    }

    public void Dispose() => Transport.Dispose();
}

using System.Buffers;
using System.Text.Json;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Client;

namespace Timonier.ApiServer.Webhooks;

/// <summary>A service that the server's own flags name by a kubeconfig file: its server is the whole address to POST to.</summary>
public sealed class ConfiguredWebhook(IApiTransport transport, string path)
{
    /// <summary>Upstream's wait for such webhooks.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>No review is longer.</summary>
    private const int AnswerBytesMax = 1 << 20;

    /// <exception cref="KubeconfigException">The file is no kubeconfig.</exception>
    public static ConfiguredWebhook Load(string kubeconfig)
    {
        var options = KubeconfigFile.Load([kubeconfig]).Resolve().Transport with { RequestTimeout = Limit, BodyBytesMax = AnswerBytesMax };
        return new ConfiguredWebhook(new HttpTransport(options, TimeProvider.System), options.Server.AbsolutePath);
    }

    /// <exception cref="HttpRequestException">No answer, or none of JSON with a code of success: with the code, where there is one.</exception>
    public async Task<JsonMap> PostAsync(ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        try
        {
            var response = await transport.SendAsync(new ApiRequest { Method = "POST", Path = path, Body = body }, cancel);
            if (!response.IsSuccess)
                throw new HttpRequestException($"the webhook answered {response.Status}", null, (System.Net.HttpStatusCode)response.Status);
            return response.Body.IsEmpty ? [] : JsonParser.ParseMap(response.Body.ToArray());
        }
        catch (Exception e) when (e is ApiException or JsonException)
        {
            throw new HttpRequestException(e.Message, e);
        }
    }
}

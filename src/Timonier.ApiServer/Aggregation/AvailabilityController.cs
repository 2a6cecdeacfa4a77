using System.Text.Json;
using Microsoft.Extensions.Logging;
using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Discovery.V1;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Discovery;
using Timonier.ApiServer.OpenApi;
using Timonier.Client;

namespace Timonier.ApiServer.Aggregation;

/// <summary>
/// Asks the servers behind APIServices whether they are there, says so in the condition Available, and publishes what they serve in
/// discovery and OpenAPI.
/// </summary>
public sealed class AvailabilityController : IDisposable
{
    /// <summary>When a server is asked again: one that answered, and one that should have.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30), Soon = TimeSpan.FromSeconds(2);

    /// <summary>Upstream's limit for a check.</summary>
    private static readonly TimeSpan CheckLimit = TimeSpan.FromSeconds(6);

    private const int AnswerBytesMax = 16 << 20;

    private readonly Aggregator _aggregator;
    private readonly PublishedApi _published;
    private readonly ApiClient _client;
    private readonly Informer<APIService> _services;
    private readonly Informer<Service> _targets;
    private readonly Informer<EndpointSlice> _slices;
    private readonly TimeProvider _time;

    /// <summary>By name, of remote APIServices. Touched by the one worker only.</summary>
    private readonly Dictionary<string, RemoteApi> _remotes = new(StringComparer.Ordinal);

    private sealed record RemoteApi(RemoteGroupVersion Discovery, RemoteOpenApi? OpenApi);

    public AvailabilityController(Aggregator aggregator, PublishedApi published, ApiClient client, InformerFactory informers, TimeProvider time, ILoggerFactory loggers)
    {
        (_aggregator, _published, _client, _time) = (aggregator, published, client, time);
        (_services, _targets, _slices) = (informers.For<APIService>(), informers.For<Service>(), informers.For<EndpointSlice>());
        Loop = new ControllerLoop<string>("apiservice-availability", ReconcileAsync, time, loggers.CreateLogger<AvailabilityController>(), _services.WaitForSyncAsync, _targets.WaitForSyncAsync, _slices.WaitForSyncAsync) { Workers = 1 };
        _services.OnChange(service => Loop.Queue.Add(service.Metadata.Name));
        _targets.OnChange(target => Enqueue(target.Metadata.Namespace, target.Metadata.Name));
        _slices.OnChange(slice => Enqueue(slice.Metadata.Namespace, slice.Metadata.Labels.GetValueOrDefault("kubernetes.io/service-name") ?? ""));
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private void Enqueue(string @namespace, string target)
    {
        foreach (var service in _services.List().Where(s => s.Spec.Service is { } to && to.Namespace == @namespace && to.Name == target))
            Loop.Queue.Add(service.Metadata.Name);
    }

    private async Task ReconcileAsync(string name, CancellationToken cancel)
    {
        var service = _services.Get("", name);
        if (service?.Spec.Service is not { } reference)
        {
            if (_remotes.Remove(name))
                Publish();
            if (service is not null && Availability.Apply(service, Availability.Local, _time.GetUtcNow()) is { } local)
                await _client.UpdateStatusAsync(local, cancel);
            return;
        }
        var slices = _slices.List(reference.Namespace).Where(s => s.Metadata.Labels.GetValueOrDefault("kubernetes.io/service-name") == reference.Name).ToList();
        var verdict = Availability.Decide(service.Spec, _targets.Get(reference.Namespace, reference.Name), slices);
        JsonMap? resources = null;
        if (verdict is null)
            (verdict, resources) = await AskAsync(service.Spec, cancel);
        // The condition first: requests are passed on when it says so, and whoever reads discovery then asks.
        if (Availability.Apply(service, verdict, _time.GetUtcNow()) is { } changed)
            await _client.UpdateStatusAsync(changed, cancel);
        await PublishAsync(service, verdict.Available, resources, cancel);
        Loop.Queue.AddAfter(name, verdict.Available ? Again : Soon);
    }

    private async Task<(Verdict, JsonMap?)> AskAsync(APIServiceSpec spec, CancellationToken cancel)
    {
        var url = $"https://{RemoteClients.Host(spec)}/apis/{spec.Group}/{spec.Version}";
        try
        {
            var (code, body) = await GetAsync(spec, url, cancel);
            if (code is < 200 or >= 300)
                return (Availability.BadStatus(url, code), null);
            return (Availability.Passed, ParseOrNull(body));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            return (Availability.FailedDiscovery(url, $"Get \"{url}\": {e.InnerException?.Message ?? e.Message}"), null);
        }
    }

    private async Task PublishAsync(APIService service, bool available, JsonMap? resources, CancellationToken cancel)
    {
        var spec = service.Spec;
        var before = _remotes.GetValueOrDefault(service.Metadata.Name);
        var discovery = new RemoteGroupVersion(new GroupVersion(spec.Group, spec.Version), spec.GroupPriorityMinimum, spec.VersionPriority, resources ?? before?.Discovery.Resources, Stale: !available);
        var openApi = available ? await OpenApiAsync(spec, before?.OpenApi, cancel) : before?.OpenApi;
        var now = new RemoteApi(discovery, openApi);
        if (before is not null && ReferenceEquals(before.OpenApi, openApi) && before.Discovery with { Resources = null } == discovery with { Resources = null } && JsonTree.DeepEquals(before.Discovery.Resources, discovery.Resources))
            return;
        _remotes[service.Metadata.Name] = now;
        Publish();
    }

    /// <returns>What was known before, when nothing new can be had.</returns>
    private async Task<RemoteOpenApi?> OpenApiAsync(APIServiceSpec spec, RemoteOpenApi? before, CancellationToken cancel)
    {
        var version = new GroupVersion(spec.Group, spec.Version);
        try
        {
            var (v3Code, index) = await GetAsync(spec, $"https://{RemoteClients.Host(spec)}/openapi/v3", cancel);
            var (v2Code, swagger) = await GetAsync(spec, $"https://{RemoteClients.Host(spec)}/openapi/v2", cancel);
            var read = RemoteOpenApi.Read(version, v3Code == 200 ? ParseOrNull(index) : null, v2Code == 200 ? ParseOrNull(swagger) : null);
            return before is not null && before.Hash == read.Hash ? before : read;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            return before;
        }
    }

    private void Publish()
    {
        _published.ChangeRemote([.. _remotes.Values.Select(r => r.Discovery)]);
        _published.ChangeRemoteOpenApi([.. _remotes.Values.Select(r => r.OpenApi).OfType<RemoteOpenApi>()]);
    }

    private async Task<(int Code, byte[] Body)> GetAsync(APIServiceSpec spec, string url, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(CheckLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("application/json");
        // As upstream's own checks: the administrator of the aggregator.
        foreach (var (key, value) in Aggregator.Identity(new UserInfo("system:kube-aggregator", ["system:masters"])))
            request.Headers.TryAddWithoutValidation(key, value);
        try
        {
            using var response = await _aggregator.Clients.For(spec).SendAsync(request, either.Token);
            if (response.Content.Headers.ContentLength > AnswerBytesMax)
                throw new HttpRequestException("the answer is too long");
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, either.Token);
            return ((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(either.Token));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException("context deadline exceeded");
        }
    }

    /// <summary>Null: it is no JSON object.</summary>
    private static JsonMap? ParseOrNull(byte[] body)
    {
        try
        {
            return JsonParser.Parse(body) as JsonMap;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Computed;
using Timonier.ApiServer.Conversion;
using Timonier.ApiServer.FlowControl;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer;

/// <summary>The parts that every request works with.</summary>
internal sealed class ServerCore
{
    private readonly Lock _randomGate = new();

    public ServerCore(ApiServerOptions options)
    {
        Options = options;
        Reader = options.Reader ?? new ObjectReader(options.Schema, options.Store);
        var components = new ComponentStatuses(new Dictionary<string, Func<bool>>(options.Components) { ["etcd-0"] = () => options.Store.Revision > 0 });
        IReadOnlyList<IComputedResource> metrics = options.Nodes is null ? [] : new ResourceMetrics(options.Nodes, Reader, options.Time).Resources;
        Computed = metrics.Append(components).ToDictionary(c => (c.Group, c.Resource));
        Registry = new ResourceRegistry(options.Schema, options.Store, options.Time, options.Strategies, [.. Computed.Keys]);
        Versions = new ObjectVersions(() => Registry.Table);
        Dispatcher = new Dispatcher(options.Store, Reader, () => Registry.Table);
        Virtual = options.VirtualResources.ToDictionary(v => (v.Group, v.Resource, v.Subresource));
        Admission = options.Admission ?? new AdmissionChain([], []);
        NewId = options.NewId ?? RandomId;
        Flows = new RequestFlows(Reader, (request, query, nominal) => WorkEstimate.Of(Registry.Table, request, query, nominal), options.InFlightMax, options.Time);
        Metrics.Add(text => FlowMetrics.Write(text, Flows.Table));
        Metrics.Add(text => ServerMetrics.WriteStored(text, Registry.Table));
        Metrics.Add(ServerMetrics.WriteProcess);
    }

    public ApiServerOptions Options { get; }

    public ResourceRegistry Registry { get; }

    public Dispatcher Dispatcher { get; }

    public ObjectReader Reader { get; }

    public Dictionary<(string Group, string Resource, string Subresource), IVirtualResource> Virtual { get; }

    /// <summary>What is read but not stored; only what can be computed is served.</summary>
    public Dictionary<(string Group, string Resource), IComputedResource> Computed { get; }

    /// <summary>For admission, which sees objects in the version that it asks for.</summary>
    public ObjectVersions Versions { get; }

    /// <summary>Priority and fairness.</summary>
    public RequestFlows Flows { get; }

    public Metrics Metrics { get; } = new();

    public AdmissionChain Admission { get; }

    public IStore Store => Options.Store;

    public TimeProvider Time => Options.Time;

    public Func<Guid> NewId { get; }

    /// <summary>To pods and services. Who they are is not ours to verify: upstream does not either.</summary>
    public HttpMessageInvoker ProxyClient { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(30),
#pragma warning disable CA5359
        SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
#pragma warning restore CA5359
    });

    /// <summary>Ends watches and other long requests when the server stops.</summary>
    public CancellationTokenSource Stopping { get; } = new();

    /// <summary>Five characters without vowels and look-alikes, as upstream appends to a generateName.</summary>
    public string NewSuffix() => string.Create(5, this, static (text, self) =>
    {
        const string Letters = "bcdfghjklmnpqrstvwxz2456789";
        lock (self._randomGate)
        {
            foreach (ref var letter in text)
                letter = Letters[self.Options.Random.Next(Letters.Length)];
        }
    });

    /// <summary>Writes, and tells those who derive something from the resource.</summary>
    public async ValueTask<TxnResponse> TxnAsync(ResourceStore resource, TxnRequest request, CancellationToken cancel)
    {
        var (started, failed) = (Time.GetTimestamp(), true);
        try
        {
            var response = await Store.TxnAsync(request, cancel);
            failed = false;
            if (response.Succeeded)
                Reader.Note(resource.Prefix, response.Revision);
            return response;
        }
        finally
        {
            // Of one object each.
            var operation = request.Operations is [{ Value: null }] ? "delete" : request.Compares is [{ ModRevision: 0 }, ..] ? "create" : "update";
            Metrics.Stored(operation, resource.GroupResource, Time.GetElapsedTime(started), failed);
        }
    }

    private Guid RandomId()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        // RFC 9562 section 5.4: version 4, variant 10.
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}

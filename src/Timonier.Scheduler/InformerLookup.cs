using Timonier.Api.Core.V1;
using Timonier.Api.Storage.V1;
using Timonier.Client;
using Timonier.Scheduler.Filters;

namespace Timonier.Scheduler;

/// <summary>What filters look up beyond nodes and pods, from informers.</summary>
internal sealed class InformerLookup : IVolumeLookup
{
    private const string ByClass = "storageClassName";
    private static readonly Dictionary<string, string> NoLabels = [];

    private readonly Informer<PersistentVolumeClaim> _claims;
    private readonly Informer<PersistentVolume> _volumes;
    private readonly Informer<StorageClass> _classes;
    private readonly Informer<Namespace> _namespaces;

    public InformerLookup(InformerFactory informers)
    {
        _claims = informers.For<PersistentVolumeClaim>();
        _volumes = informers.For<PersistentVolume>();
        _classes = informers.For<StorageClass>();
        _namespaces = informers.For<Namespace>();
        _volumes.AddIndex(ByClass, volume => [volume.Spec.StorageClassName]);
    }

    /// <summary>Calls back on every change that may let a pod fit that did not.</summary>
    public void OnChange(Action changed)
    {
        _claims.AddHandler(new() { Added = _ => changed(), Updated = (_, _) => changed(), Deleted = _ => changed() });
        _volumes.AddHandler(new() { Added = _ => changed(), Updated = (_, _) => changed(), Deleted = _ => changed() });
        _classes.AddHandler(new() { Added = _ => changed(), Updated = (_, _) => changed(), Deleted = _ => changed() });
    }

    public Task WaitForSyncAsync(CancellationToken cancel) =>
        Task.WhenAll(_claims.WaitForSyncAsync(cancel), _volumes.WaitForSyncAsync(cancel), _classes.WaitForSyncAsync(cancel), _namespaces.WaitForSyncAsync(cancel));

    public PersistentVolumeClaim? Claim(string @namespace, string name) => _claims.Get(@namespace, name);

    public PersistentVolume? Volume(string name) => _volumes.Get("", name);

    public StorageClass? Class(string name) => _classes.Get("", name);

    public IEnumerable<PersistentVolume> VolumesOfClass(string className) => _volumes.ByIndex(ByClass, className);

    public IReadOnlyDictionary<string, string> NamespaceLabels(string name) => _namespaces.Get("", name)?.Metadata.Labels ?? NoLabels;
}

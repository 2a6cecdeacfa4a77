using Timonier.Api.Errors;
using Timonier.Client;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>The slices that one controller manages, by service, and the writes that change them.</summary>
internal sealed class SliceWriter
{
    private const string Index = "managed-by/service";

    private readonly ApiClient _client;
    private readonly Informer<Slice> _slices;
    private readonly Expectations<NamespacedName> _expectations;
    private readonly string _managedBy;

    public SliceWriter(ApiClient client, Informer<Slice> slices, TimeProvider time, string managedBy, Action<NamespacedName> enqueue)
    {
        (_client, _slices, _managedBy, _expectations) = (client, slices, managedBy, new(time));
        slices.AddIndex(Index, slice => slice.Metadata.Labels.TryGetValue(SliceLabels.ServiceName, out var service) ? [$"{slice.Metadata.Labels.GetValueOrDefault(SliceLabels.ManagedBy)}/{slice.Metadata.Namespace}/{service}"] : []);
        slices.AddHandler(new()
        {
            Added = slice => Seen(slice, key => { _expectations.CreationObserved(key); enqueue(key); }),
            Updated = (before, now) => { Seen(before, enqueue); Seen(now, enqueue); },
            Deleted = slice => Seen(slice, enqueue),
        });
    }

    /// <summary>False while a slice that was created has not been seen: what is cached is behind.</summary>
    public bool IsCurrent(NamespacedName service) => _expectations.Satisfied(service);

    public IReadOnlyList<Slice> Of(NamespacedName service) => _slices.ByIndex(Index, $"{_managedBy}/{service.Namespace}/{service.Name}");

    public void Forget(NamespacedName service) => _expectations.Forget(service);

    public async Task ApplyAsync(NamespacedName service, SliceChanges changes, CancellationToken cancellationToken)
    {
        _expectations.ExpectCreations(service, changes.Create.Count);
        var unmade = changes.Create.Count;
        try
        {
            foreach (var slice in changes.Create)
            {
                await _client.CreateAsync(slice, cancellationToken);
                unmade--;
            }
        }
        catch (ApiException e) when (e.IsNamespaceTerminating)
        {
            return;
        }
        finally
        {
            _expectations.CreationObserved(service, unmade);
        }
        foreach (var slice in changes.Update)
            await _client.UpdateAsync(slice, cancellationToken);
        foreach (var slice in changes.Delete)
        {
            try
            {
                await _client.DeleteAsync<Slice>(slice.Metadata.Namespace, slice.Metadata.Name, cancellationToken: cancellationToken);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Gone already.
            }
        }
    }

    private void Seen(Slice slice, Action<NamespacedName> act)
    {
        if (slice.Metadata.Labels.GetValueOrDefault(SliceLabels.ManagedBy) == _managedBy && slice.Metadata.Labels.TryGetValue(SliceLabels.ServiceName, out var service))
            act(new(slice.Metadata.Namespace, service));
    }
}

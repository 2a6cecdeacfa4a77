using System.Globalization;
using Timonier.Api.Discovery.V1;
using Slice = Timonier.Api.Discovery.V1.EndpointSlice;

namespace Timonier.Controllers.EndpointSlice;

/// <summary>
/// Spreads endpoints over slices so that few slices change: an endpoint stays in its slice; new ones fill slices that change
/// anyway, then one unchanged slice that has room for all of the rest, then new slices.
/// </summary>
internal static class SliceReconciler
{
    /// <summary>Upstream's default of --max-endpoints-per-slice.</summary>
    public const int EndpointsMax = 100;

    public static SliceChanges Decide(SliceOwner owner, IEnumerable<Slice> existing, IEnumerable<SliceGroup> wanted, int endpointsMax = EndpointsMax)
    {
        List<Slice> create = [], update = [], delete = [];
        var byGroup = existing.Where(s => s.Metadata.DeletionTimestamp is null).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).GroupBy(s => Key(s.AddressType, s.Ports)).ToDictionary(g => g.Key, g => g.ToList());
        foreach (var group in wanted)
        {
            byGroup.Remove(Key(group.AddressType, group.Ports), out var slices);
            var drafts = (slices ?? []).ConvertAll(slice => new Draft(slice));
            Place(group, drafts, owner, endpointsMax);
            foreach (var draft in drafts)
            {
                if (draft.Endpoints.Count == 0 && !(group.KeepEmpty && draft == drafts[0]))
                {
                    if (draft.Old is not null)
                        delete.Add(draft.Old);
                }
                else if (draft.Old is null)
                    create.Add(New(owner, group, draft.Endpoints));
                else if (draft.Changed)
                    update.Add(draft.Old with { Endpoints = draft.Endpoints, Metadata = draft.Old.Metadata with { Labels = owner.Labels, Annotations = Annotations(owner, draft.Old), OwnerReferences = [owner.Reference] } });
            }
        }
        delete.AddRange(byGroup.Values.SelectMany(slices => slices));
        return new(create, update, delete);
    }

    private static void Place(SliceGroup group, List<Draft> drafts, SliceOwner owner, int endpointsMax)
    {
        var rest = new Dictionary<string, Endpoint>(StringComparer.Ordinal);
        foreach (var endpoint in group.Endpoints)
            rest[Key(endpoint)] = endpoint;
        foreach (var draft in drafts)
        {
            foreach (var old in draft.Old!.Endpoints)
            {
                if (rest.Remove(Key(old), out var endpoint))
                    draft.Keep(old, endpoint);
                else
                    draft.Changed = true;
            }
            draft.Changed |= !SameMetadata(owner, draft.Old);
        }
        var left = new Queue<Endpoint>(rest.Values);
        foreach (var draft in drafts.Where(d => d.Changed).OrderByDescending(d => d.Endpoints.Count))
            draft.Fill(left, endpointsMax);
        if (left.Count > 0)
            drafts.Where(d => d.Endpoints.Count + left.Count <= endpointsMax).MaxBy(d => d.Endpoints.Count)?.Fill(left, endpointsMax);
        while (left.Count > 0 || (group.KeepEmpty && drafts.Count == 0))
        {
            var draft = new Draft(null);
            draft.Fill(left, endpointsMax);
            drafts.Add(draft);
        }
    }

    private static Slice New(SliceOwner owner, SliceGroup group, IReadOnlyList<Endpoint> endpoints) => new()
    {
        // 57: what generateName leaves of a DNS label before the random part; "-" and five characters follow.
        Metadata = new()
        {
            Namespace = owner.Namespace, GenerateName = owner.ServiceName[..Math.Min(owner.ServiceName.Length, 57)] + "-",
            Labels = owner.Labels, Annotations = owner.Annotations, OwnerReferences = [owner.Reference],
        },
        AddressType = group.AddressType, Ports = group.Ports, Endpoints = endpoints,
    };

    /// <summary>Annotations of others stay.</summary>
    private static Dictionary<string, string> Annotations(SliceOwner owner, Slice old)
    {
        var annotations = old.Metadata.Annotations.ToDictionary();
        foreach (var (key, value) in owner.Annotations)
            annotations[key] = value;
        return annotations;
    }

    private static bool SameMetadata(SliceOwner owner, Slice slice) =>
        slice.Metadata.Labels.Count == owner.Labels.Count && owner.Labels.All(l => slice.Metadata.Labels.GetValueOrDefault(l.Key) == l.Value)
        && owner.Annotations.All(a => slice.Metadata.Annotations.GetValueOrDefault(a.Key) == a.Value)
        && slice.Metadata.OwnerReferences.Any(o => o.Uid == owner.Reference.Uid);

    /// <summary>The slice's family and ports, in any order: slices with the same key can exchange endpoints.</summary>
    internal static string Key(string addressType, IEnumerable<EndpointPort> ports) =>
        addressType + ";" + string.Join(';', ports.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name}/{p.Protocol}/{p.Port}/{p.AppProtocol}")).Order(StringComparer.Ordinal));

    private static string Key(Endpoint endpoint) => string.Join(',', endpoint.Addresses) + "/" + endpoint.TargetRef?.Namespace + "/" + endpoint.TargetRef?.Name + "/" + endpoint.TargetRef?.Uid;

    private static bool Same(Endpoint a, Endpoint b) =>
        a.Conditions == b.Conditions && a.Hostname == b.Hostname && a.NodeName == b.NodeName && a.Zone == b.Zone && Hints(a) == Hints(b);

    private static string Hints(Endpoint e) => e.Hints is null ? "" : string.Join(',', e.Hints.ForZones.Select(z => z.Name)) + ";" + string.Join(',', e.Hints.ForNodes.Select(n => n.Name));

    private sealed class Draft(Slice? old)
    {
        public Slice? Old { get; } = old;
        public List<Endpoint> Endpoints { get; } = [];
        public bool Changed { get; set; }

        public void Keep(Endpoint before, Endpoint now)
        {
            Endpoints.Add(now);
            Changed |= !Same(before, now);
        }

        public void Fill(Queue<Endpoint> from, int endpointsMax)
        {
            while (Endpoints.Count < endpointsMax && from.TryDequeue(out var endpoint))
            {
                Endpoints.Add(endpoint);
                Changed = true;
            }
        }
    }
}

using System.Globalization;

namespace Timonier.Store.Tests;

/// <summary>A write that somebody was told is durable.</summary>
internal sealed record Acknowledgement(long Revision, string Key, int Count);

/// <summary>The checker of the crash tests.</summary>
internal static class AcknowledgedWrites
{
    /// <summary>What of it the store does not have; also where its history contradicts what was told.</summary>
    public static async Task<List<string>> FindLossesAsync(EmbeddedStore store, IReadOnlyCollection<Acknowledgement> acknowledged)
    {
        var losses = acknowledged.GroupBy(one => one.Revision).Where(same => same.Count() > 1)
            .Select(same => $"revision {same.Key} was given {same.Count()} times").ToList();
        var newest = acknowledged.Select(one => one.Revision).DefaultIfEmpty(1).Max();
        if (store.Revision < newest)
        {
            losses.Add($"revision {newest} was acknowledged, but the store ends at revision {store.Revision}");
        }

        foreach (var key in acknowledged.GroupBy(one => one.Key))
        {
            var last = key.MaxBy(one => one.Count)!;
            if (!store.Current.TryGet(key.Key, out var entry))
            {
                losses.Add($"{key.Key}: acknowledged {last.Count}, found nothing");
            }
            else if (CountIn(entry) < last.Count || entry.ModRevision < last.Revision)
            {
                losses.Add($"{key.Key}: acknowledged {last.Count}, found {CountIn(entry)}");
            }
        }

        losses.AddRange(await FindHistoryLossesAsync(store, acknowledged));
        return losses;
    }

    /// <summary>Watching from the oldest revision kept: no gap, no duplicate, and what was told at each revision.</summary>
    private static async Task<List<string>> FindHistoryLossesAsync(EmbeddedStore store, IReadOnlyCollection<Acknowledgement> acknowledged)
    {
        var losses = new List<string>();
        var told = acknowledged.DistinctBy(one => one.Revision).ToDictionary(one => one.Revision);
        var next = Math.Max(store.CompactedRevision, 1) + 1;
        if (next > store.Revision)
        {
            return losses;
        }

        await foreach (var response in store.WatchAsync(next, KeyRange.All))
        {
            var change = Assert.Single(response.Events);
            if (response.Revision != next++)
            {
                losses.Add($"watch: revision {response.Revision} instead of {next - 1}");
            }

            if (told.TryGetValue(response.Revision, out var one) && one.Key != change.Key)
            {
                losses.Add($"watch: {change.Key} at revision {response.Revision}, which was given to {one.Key}");
            }

            if (change.Previous is not null && CountIn(change.Current!) != CountIn(change.Previous) + 1)
            {
                losses.Add($"watch: {change.Describe()}");
            }

            if (next > store.Revision)
            {
                break;
            }
        }

        return losses;
    }

    private static int CountIn(Entry entry) => int.Parse(entry.Text().Split(' ')[0], CultureInfo.InvariantCulture);
}

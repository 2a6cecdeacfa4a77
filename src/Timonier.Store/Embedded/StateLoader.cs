using Timonier.Store.Sqlite;
using Timonier.Store.Tree;

namespace Timonier.Store.Embedded;

/// <summary>Rebuilds state and history from disk in one pass, and refuses a log with holes.</summary>
internal static class StateLoader
{
    /// <param name="disk">The log.</param>
    /// <param name="baseRevision">Changes up to it are state only, behind it also history.</param>
    /// <param name="remember">Gets the history, one revision after the other.</param>
    public static StoreSnapshot Load(SqliteLog disk, long baseRevision, Action<WatchResponse> remember)
    {
        var tree = new EntryTree(Node.Empty);
        var revision = baseRevision;
        var events = new List<StoreEvent>();
        foreach (var row in disk.ReadAll())
        {
            var previous = row.Entry is null ? tree.Remove(row.Key) : tree.Set(row.Entry);
            if (SqliteLog.IdOf(previous) != (row.PreviousKept ? row.PreviousId : 0))
            {
                throw Corrupt(row, $"does not follow row {SqliteLog.IdOf(previous)}");
            }

            // What no checksum covers follows from the row before.
            if (row.Entry is { } entry && row.PreviousKept && (entry.CreateRevision, entry.Version) != (previous?.CreateRevision ?? row.Revision, (previous?.Version ?? 0) + 1))
            {
                throw Corrupt(row, $"says that it is number {entry.Version} since revision {entry.CreateRevision}");
            }

            if (row.Revision <= baseRevision)
            {
                continue;
            }

            if (row.Revision != revision)
            {
                Flush();
                if (row.Revision != ++revision)
                {
                    throw Corrupt(row, $"comes after revision {revision - 1}");
                }
            }

            events.Add(new StoreEvent(revision, row.Entry, previous));
        }

        Flush();
        return new StoreSnapshot(revision, tree.Freeze());

        void Flush()
        {
            if (events.Count > 0)
            {
                remember(new WatchResponse(events[0].Revision, events.ToArray()));
                events.Clear();
            }
        }
    }

    private static StoreCorruptException Corrupt(LogRow row, string what) =>
        new($"the store's log has a hole: row {row.Id} (revision {row.Revision}, {row.Key}) {what}; restore the data directory from a backup");
}

namespace Timonier.Testing.Histories;

internal static class WriteRules
{
    public static IEnumerable<Finding> Check(Timeline timeline, IReadOnlyCollection<WriteOp> writes) =>
        [.. CheckOrder(writes), .. CheckOrigins(timeline, writes), .. CheckDeletes(timeline, writes)];

    /// <summary>A write that ended before another began has the smaller revision.</summary>
    private static IEnumerable<Finding> CheckOrder(IEnumerable<WriteOp> writes)
    {
        WriteOp? earliest = null; // of those with a greater revision, the one that ended first
        foreach (var write in writes.Where(one => one is { Outcome: Outcome.Done, Revision: > 0 }).OrderByDescending(one => one.Revision))
        {
            if (earliest is not null && earliest.End < write.Start)
                yield return new(Violation.RevisionOrder, $"{Text(write)} began when {Text(earliest)} had ended");
            if (earliest is null || write.End < earliest.End)
                earliest = write;
        }
    }

    /// <summary>Every put has one write that may have done it, and went over what that write knew.</summary>
    private static IEnumerable<Finding> CheckOrigins(Timeline timeline, IReadOnlyCollection<WriteOp> writes)
    {
        var byValue = writes.Where(one => one.Kind != WriteKind.Delete).ToDictionary(one => one.Value);
        var deletes = writes.Where(one => one.Kind == WriteKind.Delete && one.Outcome != Outcome.Refused).ToLookup(one => (one.Key, one.Expected));
        var seen = new Dictionary<string, Change>();
        foreach (var change in timeline.All.Where(one => one.Value is not null))
        {
            if (!byValue.TryGetValue(change.Value!, out var write) || write.Key != change.Key)
            {
                yield return new(Violation.Phantom, $"{change.Key}={change.Value} at revision {change.Revision} in {change.Source}: nobody wrote it");
                continue;
            }
            if (!seen.TryAdd(change.Value!, change))
                yield return new(Violation.AppliedTwice, $"{Text(write)} is there at revision {seen[change.Value!].Revision} and at {change.Revision}");
            if (write.Outcome == Outcome.Refused)
                yield return new(Violation.RefusedButDone, $"{Text(write)} is there at revision {change.Revision} in {change.Source}");
            if (GoesOver(timeline, change, write, deletes) is { } over)
                yield return new(Violation.LostUpdate, $"{Text(write)} went over {over}");
        }
    }

    /// <summary>What a put went over without knowing it; null: nothing.</summary>
    private static string? GoesOver(Timeline timeline, Change change, WriteOp write, ILookup<(string, long), WriteOp> deletes)
    {
        var before = timeline.At(change.Key, change.Revision - 1);
        if (write.Kind == WriteKind.Create)
            return before?.Value is null || deletes.Contains((change.Key, before.Revision)) ? null : $"{before.Value} of revision {before.Revision}";
        if (before?.Value is null || before.Revision != write.Expected)
            return before is null ? null : $"{before.Value ?? "a deletion"} of revision {before.Revision}";
        return deletes[(change.Key, before.Revision)].Any(one => one.Outcome == Outcome.Done) ? $"the deletion of revision {before.Revision}" : null;
    }

    /// <summary>An acknowledged delete ends the revision it named, and nothing else.</summary>
    private static IEnumerable<Finding> CheckDeletes(Timeline timeline, IEnumerable<WriteOp> writes)
    {
        foreach (var write in writes.Where(one => one is { Kind: WriteKind.Delete, Outcome: Outcome.Done }))
        {
            if (write.Revision > 0 && timeline.At(write.Key, write.Revision - 1) is { Value: not null } before && before.Revision != write.Expected)
                yield return new(Violation.LostUpdate, $"{Text(write)} went over {before.Value} of revision {before.Revision}");
        }
    }

    public static string Text(WriteOp write) =>
        $"{write.Client}'s {write.Kind} of {write.Key}{(write.Value.Length > 0 ? "=" + write.Value : "")} ({write.Expected} to {(write.Revision > 0 ? write.Revision : write.Outcome)})";
}

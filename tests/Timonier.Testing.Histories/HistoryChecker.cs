namespace Timonier.Testing.Histories;

/// <summary>
/// Compares what clients saw with what the API promises: writes of a key are linearizable by their resourceVersion preconditions, a list is the
/// state at its revision and never older than what was known, pages belong together, watches are ordered and complete, reads follow acknowledged writes.
/// The state of the keys before the history must be empty. Pure: the same history gives the same findings.
/// </summary>
public static class HistoryChecker
{
    public static IReadOnlyList<Finding> Check(IReadOnlyCollection<Operation> history)
    {
        var timeline = new Timeline(history);
        return
        [
            .. timeline.Findings,
            .. WriteRules.Check(timeline, [.. history.OfType<WriteOp>()]),
            .. ReadRules.Check(timeline, history),
            .. history.OfType<WatchOp>().SelectMany(watch => WatchRules.Check(timeline, watch)),
        ];
    }
}

namespace Timonier.Testing.Histories;

/// <summary>Ordered, unique, complete, and of the right type.</summary>
internal static class WatchRules
{
    public static IEnumerable<Finding> Check(Timeline timeline, WatchOp watch)
    {
        var last = watch.From;
        var present = new Dictionary<string, bool>();
        foreach (var one in watch.Events)
        {
            if (one.Item.Revision <= last)
                yield return new(Violation.WatchOrder, $"{Text(watch)} tells {Text(one)} behind revision {last}");
            last = Math.Max(last, one.Item.Revision);
            if (present.TryGetValue(one.Item.Key, out var was) && was == (one.Type == WatchedType.Added))
                yield return new(Violation.WatchType, $"{Text(watch)} tells {Text(one)}, which {(was ? "was there" : "was not there")} by its own telling");
            present[one.Item.Key] = one.Type != WatchedType.Deleted;
        }

        var told = watch.Events.Select(one => one.Item.Revision).ToHashSet();
        last = Math.Max(last, watch.Through);
        for (var i = Timeline.FirstBehind(timeline.All, watch.From); i < timeline.All.Length && timeline.All[i] is var change && change.Revision <= last; i++)
        {
            if (!told.Contains(change.Revision))
                yield return new(Violation.WatchGap, $"{Text(watch)} left out {change.Key}={change.Value ?? "deleted"} of revision {change.Revision} ({change.Source})");
        }
    }

    private static string Text(WatchOp watch) => $"the watch of {watch.Client} from {watch.From}";

    private static string Text(Watched one) => $"{one.Type} {one.Item.Key}={one.Item.Value} of revision {one.Item.Revision}";
}

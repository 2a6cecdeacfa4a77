namespace Timonier.Testing.Histories;

/// <summary>Reads and lists against what was known when they began, and lists against the state at their revision.</summary>
internal sealed class ReadRules
{
    private readonly Timeline _timeline;
    private readonly Dictionary<string, WriteOp[]> _deletes;
    private readonly Floor _newest = new();
    private readonly Dictionary<string, Floor> _ofKey = [];

    private ReadRules(Timeline timeline, IReadOnlyCollection<Operation> history)
    {
        _timeline = timeline;
        _deletes = history.OfType<WriteOp>().Where(one => one.Kind == WriteKind.Delete && one.Outcome != Outcome.Refused)
            .GroupBy(one => one.Key).ToDictionary(one => one.Key, one => one.ToArray());
    }

    public static List<Finding> Check(Timeline timeline, IReadOnlyCollection<Operation> history)
    {
        var rules = new ReadRules(timeline, history);
        var findings = new List<Finding>();
        var ends = history.Where(one => one is not WatchOp).OrderBy(one => one.End).ToArray();
        var known = 0;
        foreach (var operation in history.Where(one => one is ReadOp or ListOp).OrderBy(one => one.Start))
        {
            for (; known < ends.Length && ends[known].End < operation.Start; known++)
                rules.Learn(ends[known]);
            findings.AddRange(operation is ReadOp read ? rules.CheckRead(read) : rules.CheckList((ListOp)operation));
        }
        return findings;
    }

    /// <summary>An operation that has ended: whoever begins now must see at least what it saw.</summary>
    private void Learn(Operation operation)
    {
        switch (operation)
        {
            case WriteOp { Outcome: Outcome.Done, Revision: > 0 } write:
                Learn(write.Key, write.Revision, write.Client);
                break;
            case ReadOp { Found: { } item } read:
                Learn(item.Key, item.Revision, read.Client);
                break;
            case ListOp list:
                _newest.Raise(list.Pages[0].Revision, list.Client);
                foreach (var item in list.Pages.SelectMany(page => page.Items))
                    Learn(item.Key, item.Revision, list.Client);
                break;
        }
    }

    private void Learn(string key, long revision, string client)
    {
        _newest.Raise(revision, client);
        if (!_ofKey.TryGetValue(key, out var floor))
            _ofKey[key] = floor = new Floor();
        floor.Raise(revision, client);
    }

    private IEnumerable<Finding> CheckRead(ReadOp read)
    {
        var floor = _ofKey.GetValueOrDefault(read.Key) ?? new Floor();
        if (read.Found is not { } found)
        {
            if (floor.Revision > 0 && !MayBeGone(read.Key, floor.Revision, read.End))
                yield return new(Violation.StaleRead, $"{read.Client} did not find {read.Key}, known at revision {floor}");
        }
        else if (found.Revision < floor.Revision || Deleted(read.Key, found.Revision, read.Start))
        {
            yield return new(Violation.StaleRead, $"{read.Client} read {read.Key} of revision {found.Revision}, known to be older: {floor}");
        }
    }

    private IEnumerable<Finding> CheckList(ListOp list)
    {
        var revision = list.Pages[0].Revision;
        var items = new Dictionary<string, Item>();
        string? lastKey = null;
        foreach (var page in list.Pages)
        {
            if (page.Revision != revision)
                yield return new(Violation.PagesDiffer, $"a list of {list.Client} has pages of revision {revision} and {page.Revision}");
            foreach (var item in page.Items)
            {
                if (lastKey is not null && string.CompareOrdinal(item.Key, lastKey) <= 0)
                    yield return new(Violation.ListOrder, $"a list of {list.Client} has {item.Key} behind {lastKey}");
                items[lastKey = item.Key] = item;
            }
        }

        if (list.Exact > 0 && revision != list.Exact)
            yield return new(Violation.WrongList, $"{list.Client} asked for revision {list.Exact} and got {revision}");
        if (list.Exact == 0 && revision < _newest.Revision)
            yield return new(Violation.StaleList, $"{list.Client} got a list of revision {revision}, known was {_newest}");
        foreach (var key in _timeline.Keys.Union(items.Keys))
        {
            if (CheckItem(list, revision, key, items.TryGetValue(key, out var item) ? item : null) is { } finding)
                yield return finding;
        }
    }

    private Finding? CheckItem(ListOp list, long revision, string key, Item? item)
    {
        var right = _timeline.At(key, revision);
        if (item?.Revision == (right?.Value is null ? null : right.Revision))
            return item is not null && list.Exact == 0 && Deleted(key, item.Value.Revision, list.Start)
                ? new(Violation.WrongList, $"a list of {list.Client} at revision {revision} still has {key} of revision {item.Value.Revision}, which was deleted")
                : null;
        var what = $"a list of {list.Client} at revision {revision} shows {key} {(item is { } shown ? $"of revision {shown.Revision}" : "not")}";
        if (right?.Value is null)
            return new(Violation.WrongList, $"{what}, which it was not then");
        // Where the revision of a deletion is not known (no watch told it), it may have been before the list's.
        if (item is null && _timeline.After(key, right.Revision) is not { Value: null } && MayBeGone(key, right.Revision, list.End))
            return null;
        return new(_timeline.IsAcknowledged(right.Revision) ? Violation.LostWrite : Violation.WrongList, $"{what}, but it was {right.Value} of revision {right.Revision}");
    }

    /// <summary>A delete that had begun by then may have ended this revision or a later one.</summary>
    private bool MayBeGone(string key, long revision, long end) =>
        _deletes.GetValueOrDefault(key, []).Any(one => one.Expected >= revision && one.Start < end);

    /// <summary>A delete of just this revision had been acknowledged by then.</summary>
    private bool Deleted(string key, long revision, long start) =>
        _deletes.GetValueOrDefault(key, []).Any(one => one.Expected == revision && one.Outcome == Outcome.Done && one.End < start);

    /// <summary>The newest revision known so far, and to whom.</summary>
    private sealed class Floor
    {
        private string _client = "";

        public long Revision { get; private set; }

        public void Raise(long revision, string client)
        {
            if (revision > Revision)
                (Revision, _client) = (revision, client);
        }

        public override string ToString() => $"{Revision} (to {_client})";
    }
}

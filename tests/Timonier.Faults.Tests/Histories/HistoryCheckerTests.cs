using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Histories;

/// <summary>The checker is checked: each broken promise by its name, and nothing where none is broken.</summary>
public sealed class HistoryCheckerTests
{
    private static readonly Item A2 = new("a", "1", 2), A3 = new("a", "2", 3), B4 = new("b", "3", 4);

    /// <summary>Revision 2 creates a, 3 updates it, 4 creates b, 5 deletes a (no answer says so), 6 creates a.</summary>
    private static readonly Operation[] Writes =
    [
        Write(1, 2, WriteKind.Create, "a", "1", 0, 2), Write(3, 4, WriteKind.Update, "a", "2", 2, 3), Write(5, 6, WriteKind.Create, "b", "3", 0, 4),
        Write(7, 8, WriteKind.Delete, "a", "", 3, 0), Write(9, 10, WriteKind.Create, "a", "4", 0, 6),
    ];

    private static readonly Watched[] Events =
    [
        new(WatchedType.Added, A2), new(WatchedType.Modified, A3), new(WatchedType.Added, B4), new(WatchedType.Deleted, A3 with { Revision = 5 }),
        new(WatchedType.Added, new("a", "4", 6)),
    ];

    public static TheoryData<string, Operation[]> Kept => new()
    {
        { "a list at each time", [List(2, 3, 2, A2), List(4, 5, 3, A3), List(6, 7, 4, A3, B4), List(8, 9, 5, B4)] },
        { "a list while a write goes on, before or after it", [List(3, 4, 2, A2), List(3, 4, 3, A3)] },
        { "a list without the key that is being deleted", [List(7, 8, 5, B4)] },
        { "an old state, asked for", [new ListOp("r", 11, 12, 3, [new(3, [A3])])] },
        { "pages", [new ListOp("r", 6, 12, 0, [new(4, [A3]), new(4, [B4])])] },
        { "reads", [Read(2, 3, "a", A2), Read(3, 4, "a", A3), Read(8, 9, "a", null), Read(1, 2, "a", null), Read(7, 8, "a", null)] },
        { "a whole watch", [new WatchOp("w", 0, 12, 1, 6, Events)] },
        { "a watch that was cut off", [new WatchOp("w", 0, 12, 2, 0, Events[1..3])] },
        { "no answer, done", [Write(11, 12, WriteKind.Update, "b", "5", 4, 0, Outcome.Unknown), Read(13, 14, "b", new("b", "5", 7))] },
        { "no answer, not done", [Write(11, 12, WriteKind.Update, "b", "5", 4, 0, Outcome.Unknown), Read(13, 14, "b", B4)] },
        { "refused", [Write(11, 12, WriteKind.Update, "b", "5", 2, 0, Outcome.Refused), Read(13, 14, "b", B4)] },
    };

    public static TheoryData<Violation, Operation[]> Broken => new()
    {
        { Violation.RevisionRepeated, [Write(11, 12, WriteKind.Create, "c", "5", 0, 4)] },
        { Violation.RevisionRepeated, [Read(11, 12, "b", new("b", "3", 3))] },
        { Violation.RevisionOrder, [Write(20, 21, WriteKind.Create, "c", "5", 0, 9), Write(22, 23, WriteKind.Create, "d", "6", 0, 8)] },
        { Violation.AppliedTwice, [Read(11, 12, "b", new("b", "3", 9))] },
        { Violation.RefusedButDone, [Write(11, 12, WriteKind.Update, "b", "5", 2, 0, Outcome.Refused), Read(13, 14, "b", new("b", "5", 7))] },
        { Violation.Phantom, [Read(11, 12, "b", new("b", "ghost", 7))] },
        { Violation.LostUpdate, [Write(11, 12, WriteKind.Update, "b", "5", 4, 7), Write(11, 12, WriteKind.Update, "b", "6", 4, 8)] },
        { Violation.LostUpdate, [Write(11, 12, WriteKind.Create, "b", "5", 0, 7)] },
        { Violation.LostUpdate, [Write(11, 12, WriteKind.Delete, "b", "", 4, 0), Write(11, 12, WriteKind.Update, "b", "5", 4, 7)] },
        { Violation.LostWrite, [List(11, 12, 6, new Item("a", "4", 6))] },
        { Violation.LostWrite, [new ListOp("r", 11, 12, 3, [new(3, [A2])])] },
        { Violation.StaleRead, [Read(5, 6, "a", A2)] },
        { Violation.StaleRead, [Read(5, 6, "a", null)] },
        { Violation.StaleRead, [Read(9, 10, "a", A3)] },
        { Violation.StaleRead, [Write(20, 21, WriteKind.Update, "b", "5", 4, 0, Outcome.Unknown), Read(22, 23, "b", new("b", "5", 7)), Read(24, 25, "b", B4)] },
        { Violation.StaleList, [List(11, 12, 4, A3, B4)] },
        { Violation.WrongList, [List(6, 7, 4, A3, B4 with { Key = "c" })] },
        { Violation.WrongList, [new WatchOp("w", 0, 12, 1, 6, Events), List(8, 9, 5, A3, B4)] },
        { Violation.PagesDiffer, [new ListOp("r", 6, 12, 0, [new(3, [A3]), new(4, [B4])])] },
        { Violation.ListOrder, [List(6, 7, 4, B4, A3)] },
        { Violation.WatchOrder, [new WatchOp("w", 0, 12, 1, 0, [Events[0], Events[2], Events[1]])] },
        { Violation.WatchOrder, [new WatchOp("w", 0, 12, 2, 0, [Events[0], Events[1]])] },
        { Violation.WatchGap, [new WatchOp("w", 0, 12, 1, 0, [Events[0], Events[2]])] },
        { Violation.WatchGap, [new WatchOp("w", 0, 12, 1, 6, Events[..4])] },
        { Violation.WatchType, [new WatchOp("w", 0, 12, 1, 0, [Events[0], Events[1] with { Type = WatchedType.Added }])] },
    };

    [Theory]
    [MemberData(nameof(Kept))]
    public void PromisesKept_NothingIsFound(string what, Operation[] seen)
    {
        Assert.NotEmpty(what);
        Assert.Equal([], HistoryChecker.Check([.. Writes, .. seen]));
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void PromiseBroken_IsFoundByName(Violation violation, Operation[] seen) =>
        Assert.Contains(HistoryChecker.Check([.. Writes, .. seen]), one => one.Violation == violation);

    private static WriteOp Write(long start, long end, WriteKind kind, string key, string value, long expected, long revision, Outcome outcome = Outcome.Done) =>
        new("w", start, end, kind, key, value, expected, outcome, revision);

    private static ReadOp Read(long start, long end, string key, Item? found) => new("r", start, end, key, found);

    private static ListOp List(long start, long end, long revision, params Item[] items) => new("r", start, end, 0, [new(revision, items)]);
}

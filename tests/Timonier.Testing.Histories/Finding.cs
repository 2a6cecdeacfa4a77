namespace Timonier.Testing.Histories;

/// <summary>A broken promise, by its name.</summary>
public enum Violation
{
    /// <summary>Two different changes have one revision.</summary>
    RevisionRepeated,

    /// <summary>A later write has a smaller revision than one that had ended before it began.</summary>
    RevisionOrder,

    /// <summary>One write was done twice.</summary>
    AppliedTwice,

    /// <summary>A write that was refused shows up all the same.</summary>
    RefusedButDone,

    /// <summary>Something shows up that nobody wrote.</summary>
    Phantom,

    /// <summary>A write went over a change that its precondition did not know.</summary>
    LostUpdate,

    /// <summary>A state that includes the revision of an acknowledged write does not show it.</summary>
    LostWrite,

    /// <summary>A read misses a change that was known before it began.</summary>
    StaleRead,

    /// <summary>A list of the newest state is of a revision before one known when it began.</summary>
    StaleList,

    /// <summary>A list is not the state at its revision.</summary>
    WrongList,

    /// <summary>The pages of one list are of different revisions.</summary>
    PagesDiffer,

    /// <summary>The items of a list are not in the order of their keys, or one is there twice.</summary>
    ListOrder,

    /// <summary>A watch goes back in revisions or tells a change twice.</summary>
    WatchOrder,

    /// <summary>A watch left out a change.</summary>
    WatchGap,

    /// <summary>An event is of another type than the change it tells.</summary>
    WatchType,
}

public sealed record Finding(Violation Violation, string Text)
{
    public override string ToString() => $"{Violation}: {Text}";
}

namespace Timonier.Client;

/// <summary>
/// What is called when objects change, one event at a time, in order. Handlers only take note (enqueue a key): they run in
/// the informer's loop. After a relist a Deleted may carry an old state of the object, and Updated may skip states.
/// </summary>
public sealed record InformerHandler<T>
{
    public Action<T>? Added { get; init; }

    /// <summary>Called with the old and the new state.</summary>
    public Action<T, T>? Updated { get; init; }

    public Action<T>? Deleted { get; init; }
}

namespace WordSearch;

/// <summary>Where jobs live. Every method can be repeated: a second call with the same arguments changes nothing.</summary>
public interface IDocumentStore
{
    /// <summary>Makes what the store needs (tables); waits until the server answers.</summary>
    Task PrepareAsync(CancellationToken cancellation);

    Task AddAsync(Job job, CancellationToken cancellation);

    Task<Job?> FindAsync(string id, CancellationToken cancellation);

    /// <summary>Notes that the queue has the job. Does not touch a result that is there already.</summary>
    Task MarkPublishedAsync(string id, DateTimeOffset publishedAt, CancellationToken cancellation);

    /// <summary>Ends a pending job; one that has ended keeps its first result.</summary>
    Task FinishAsync(string id, string status, JobResult? result, string? error, CancellationToken cancellation);

    /// <summary>Pending jobs created before one time and not given to the queue since another, oldest first.</summary>
    Task<IReadOnlyList<Job>> FindUnpublishedAsync(DateTimeOffset createdBefore, DateTimeOffset publishedBefore, int max, CancellationToken cancellation);

    Task<bool> IsReachableAsync(CancellationToken cancellation);
}

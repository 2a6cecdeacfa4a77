namespace Timonier.ApiServer.Audit;

/// <summary>Where audit events go. What cannot be taken is counted, never waited for: a request does not hang on its record.</summary>
public interface IAuditBackend : IAsyncDisposable
{
    /// <param name="line">One event as JSON, without line feed. Not changed afterwards.</param>
    void Write(byte[] line);

    /// <summary>Events that were dropped or could not be written.</summary>
    long Lost { get; }
}

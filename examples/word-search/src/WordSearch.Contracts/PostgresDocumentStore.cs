using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace WordSearch;

/// <summary>Jobs as JSONB documents in PostgreSQL.</summary>
public sealed class PostgresDocumentStore(NpgsqlDataSource source, ILogger<PostgresDocumentStore> logger, TimeProvider time) : IDocumentStore
{
    // Two that start at once both create: one may then still meet a duplicate in the catalog. The lock makes them take turns.
    private const string Schema = """
        SELECT pg_advisory_xact_lock(7170);
        CREATE TABLE IF NOT EXISTS jobs (id text PRIMARY KEY, body jsonb NOT NULL);
        CREATE INDEX IF NOT EXISTS jobs_pending ON jobs (id) WHERE body->>'status' = 'pending';
        """;

    public async Task PrepareAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await ExecuteAsync("BEGIN;" + Schema + "COMMIT;", cancellation);
                return;
            }
            catch (Exception error) when (error.IsOutage())
            {
                logger.LogInformation("waiting for PostgreSQL: {Error}", error.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellation);
            }
        }
    }

    public Task AddAsync(Job job, CancellationToken cancellation) => ExecuteAsync(
        "INSERT INTO jobs (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", cancellation, job.Id, Json(job));

    public async Task<Job?> FindAsync(string id, CancellationToken cancellation) =>
        (await QueryAsync("SELECT body FROM jobs WHERE id = $1", cancellation, id)).SingleOrDefault();

    public Task MarkPublishedAsync(string id, DateTimeOffset publishedAt, CancellationToken cancellation) => ExecuteAsync(
        "UPDATE jobs SET body = jsonb_set(body, '{publishedAt}', to_jsonb($2::timestamptz)) WHERE id = $1", cancellation, id, publishedAt.ToUniversalTime());

    public Task FinishAsync(string id, string status, JobResult? result, string? error, CancellationToken cancellation) => ExecuteAsync(
        "UPDATE jobs SET body = body || jsonb_strip_nulls(jsonb_build_object('status', $2::text, 'result', $3::jsonb, 'error', $4::text)) WHERE id = $1 AND body->>'status' = 'pending'",
        cancellation, id, status, new NpgsqlParameter { Value = result is null ? DBNull.Value : JsonSerializer.Serialize(result, WordSearchJson.Default.JobResult), NpgsqlDbType = NpgsqlDbType.Jsonb },
        new NpgsqlParameter { Value = (object?)error ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });

    public Task<IReadOnlyList<Job>> FindUnpublishedAsync(DateTimeOffset createdBefore, DateTimeOffset publishedBefore, int max, CancellationToken cancellation) => QueryAsync(
        """
        SELECT body FROM jobs WHERE body->>'status' = 'pending' AND (body->>'createdAt')::timestamptz < $1
          AND (body->>'publishedAt' IS NULL OR (body->>'publishedAt')::timestamptz < $2)
        ORDER BY (body->>'createdAt')::timestamptz LIMIT $3
        """, cancellation, createdBefore.ToUniversalTime(), publishedBefore.ToUniversalTime(), max);

    public async Task<bool> IsReachableAsync(CancellationToken cancellation)
    {
        try
        {
            await ExecuteAsync("SELECT 1", cancellation);
            return true;
        }
        catch (Exception error) when (error.IsOutage())
        {
            return false;
        }
    }

    private static NpgsqlParameter Json(Job job) =>
        new() { Value = JsonSerializer.Serialize(job, WordSearchJson.Default.Job), NpgsqlDbType = NpgsqlDbType.Jsonb };

    private async Task ExecuteAsync(string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<IReadOnlyList<Job>> QueryAsync(string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var jobs = new List<Job>();
        while (await reader.ReadAsync(cancellation))
            jobs.Add(JsonSerializer.Deserialize(reader.GetString(0), WordSearchJson.Default.Job)!);
        return jobs;
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = source.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        return command;
    }
}

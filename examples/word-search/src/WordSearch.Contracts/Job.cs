using System.Text.Json;
using System.Text.Json.Serialization;

namespace WordSearch;

/// <summary>What a client asks for: a text, or the name of a stored one, and the words to look for.</summary>
public sealed record JobRequest(string? Text, string? TextName, IReadOnlyList<string>? Words);

/// <summary>How often a word occurs, and in which lines (counted from 1; the first few only).</summary>
public sealed record WordHits(string Word, int Count, IReadOnlyList<int> Lines);

/// <param name="Worker">Which worker searched, and its version: to see scaling and rolling updates.</param>
public sealed record JobResult(IReadOnlyList<WordHits> Words, string Worker, string WorkerVersion, DateTimeOffset FinishedAt);

/// <summary>The document of a job. Its status only ever moves from pending to done or failed.</summary>
public sealed record Job
{
    public const string Pending = "pending";
    public const string Done = "done";
    public const string Failed = "failed";

    public required string Id { get; init; }
    public string Status { get; init; } = Pending;
    public required JobRequest Request { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When RabbitMQ last confirmed that it has the job; null: not yet.</summary>
    public DateTimeOffset? PublishedAt { get; init; }
    public JobResult? Result { get; init; }

    /// <summary>Why it failed, in words for the client; null unless it did.</summary>
    public string? Error { get; init; }
}

public sealed record ErrorAnswer(string Error);

public sealed record VersionAnswer(string Version, string Host);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(JobRequest))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(VersionAnswer))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
public sealed partial class WordSearchJson : JsonSerializerContext;

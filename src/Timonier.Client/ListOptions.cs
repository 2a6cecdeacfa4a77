namespace Timonier.Client;

/// <summary>The query of list, watch and deletecollection (meta/v1 ListOptions). Empty strings are not sent.</summary>
public sealed record ListOptions
{
    public string LabelSelector { get; init; } = "";
    public string FieldSelector { get; init; } = "";
    public string ResourceVersion { get; init; } = "";
    public string ResourceVersionMatch { get; init; } = "";

    /// <summary>Objects per page. 0: the client pages by itself and answers with all of them.</summary>
    public int Limit { get; init; }

    /// <summary>Where the page before ended; only with <see cref="Limit"/>.</summary>
    public string Continue { get; init; } = "";

    /// <summary>How long a watch lives; null: the server's choice.</summary>
    public int? TimeoutSeconds { get; init; }
    public bool SendInitialEvents { get; init; }

    internal QueryBuilder ToQuery() => new QueryBuilder()
        .Add("labelSelector", LabelSelector).Add("fieldSelector", FieldSelector)
        .Add("resourceVersion", ResourceVersion).Add("resourceVersionMatch", ResourceVersionMatch)
        .Add("limit", Limit > 0 ? Limit : null).Add("continue", Continue)
        .Add("timeoutSeconds", TimeoutSeconds).Add("sendInitialEvents", SendInitialEvents);
}

/// <summary>Objects as of a moment. <see cref="Continue"/> is empty on the last page.</summary>
public sealed record ApiList<T>(string ResourceVersion, string Continue, IReadOnlyList<T> Items);

/// <summary>A watch event with its decoded object. Never <see cref="WatchEventType.Error"/>: that is thrown.</summary>
public readonly record struct WatchEvent<T>(WatchEventType Type, T Object);

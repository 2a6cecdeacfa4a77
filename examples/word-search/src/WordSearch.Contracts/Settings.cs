namespace WordSearch;

/// <summary>Settings, all from the environment (ConfigMap and Secret in the cluster).</summary>
public sealed record Settings
{
    public string PostgresHost { get; init; } = "localhost";
    public int PostgresPort { get; init; } = 5432;
    public string PostgresUser { get; init; } = "wordsearch";
    public string PostgresPassword { get; init; } = "";
    public string PostgresDatabase { get; init; } = "wordsearch";
    public string RabbitHost { get; init; } = "localhost";
    public int RabbitPort { get; init; } = 5672;
    public string RabbitUser { get; init; } = "wordsearch";
    public string RabbitPassword { get; init; } = "";

    /// <summary>Folder of the stored texts; the same volume for the API and all workers.</summary>
    public string TextsDirectory { get; init; } = "/texts";

    /// <summary>Of this program, as a person names it.</summary>
    public string Version { get; init; } = "dev";

    /// <summary>The pod.</summary>
    public string Host { get; init; } = Environment.MachineName;

    /// <summary>How long a search takes at least: a stand-in for long work.</summary>
    public TimeSpan SearchTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The worker touches this file while it is well; its liveness probe looks at the file's age.</summary>
    public string AliveFile { get; init; } = "/tmp/alive";

    public static Settings FromEnvironment()
    {
        var defaults = new Settings();
        return new Settings
        {
            PostgresHost = Text("POSTGRES_HOST", defaults.PostgresHost),
            PostgresPort = Number("POSTGRES_PORT", defaults.PostgresPort),
            PostgresUser = Text("POSTGRES_USER", defaults.PostgresUser),
            PostgresPassword = Text("POSTGRES_PASSWORD", defaults.PostgresPassword),
            PostgresDatabase = Text("POSTGRES_DB", defaults.PostgresDatabase),
            RabbitHost = Text("RABBITMQ_HOST", defaults.RabbitHost),
            RabbitPort = Number("RABBITMQ_PORT", defaults.RabbitPort),
            RabbitUser = Text("RABBITMQ_USER", defaults.RabbitUser),
            RabbitPassword = Text("RABBITMQ_PASSWORD", defaults.RabbitPassword),
            TextsDirectory = Text("TEXTS_DIR", defaults.TextsDirectory),
            Version = Text("VERSION", defaults.Version),
            Host = Text("POD_NAME", defaults.Host),
            SearchTime = TimeSpan.FromMilliseconds(Number("SEARCH_MILLISECONDS", (int)defaults.SearchTime.TotalMilliseconds)),
            AliveFile = Text("ALIVE_FILE", defaults.AliveFile),
        };
    }

    private static string Text(string name, string missing) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : missing;

    private static int Number(string name, int missing) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : missing;
}

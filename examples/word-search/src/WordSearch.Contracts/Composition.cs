using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace WordSearch;

public static class Composition
{
    /// <summary>What the API and the workers share.</summary>
    public static IServiceCollection AddWordSearch(this IServiceCollection services, Settings settings)
    {
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = settings.PostgresHost, Port = settings.PostgresPort, Username = settings.PostgresUser,
            Password = settings.PostgresPassword, Database = settings.PostgresDatabase,
            Timeout = 3, CommandTimeout = 5, KeepAlive = 5, MaxPoolSize = 20,
        };
        return services.AddSingleton(settings)
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new TextStore(settings.TextsDirectory))
            .AddSingleton(_ => NpgsqlDataSource.Create(connection))
            .AddSingleton<IDocumentStore, PostgresDocumentStore>()
            .AddSingleton<IJobPublisher, RabbitJobPublisher>();
    }
}

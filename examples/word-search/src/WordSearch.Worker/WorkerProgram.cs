namespace WordSearch.Worker;

public static class WorkerProgram
{
    public static async Task Main(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddWordSearch(Settings.FromEnvironment());
        builder.Services.AddSingleton<JobHandler>().AddHostedService<QueueConsumer>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(8));
        await builder.Build().RunAsync();
    }
}

namespace WordSearch.Api;

public static class ApiProgram
{
    private const int WordsMax = 100;
    private const int WordCharsMax = 100;

    public static async Task Main(string[] args)
    {
        var settings = Settings.FromEnvironment();
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddWordSearch(settings);
        await Build(builder).RunAsync();
    }

    /// <summary>The services of <see cref="Composition.AddWordSearch"/>, or stand-ins for them, must be there already.</summary>
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = TextStore.TextBytesMax);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, WordSearchJson.Default));
        builder.Services.AddSingleton<Outbox>().AddHostedService(services => services.GetRequiredService<Outbox>());
        var app = builder.Build();
        app.Use(AnswerUnavailableAsync);
        app.MapPost("/jobs", SubmitAsync);
        app.MapGet("/jobs/{id}", FindAsync);
        app.MapGet("/texts", (TextStore texts) => texts.Names());
        app.MapPut("/texts/{name}", StoreTextAsync);
        app.MapGet("/version", (Settings settings) => new VersionAnswer(settings.Version, settings.Host));
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/readyz", async (IDocumentStore store, CancellationToken cancellation) =>
            await store.IsReachableAsync(cancellation) ? Results.Text("ok") : Results.Text("the document store cannot be reached", statusCode: 503));
        return app;
    }

    /// <summary>Accepted means stored. Whether RabbitMQ is there at this moment does not matter: the outbox sees to it.</summary>
    private static async Task<IResult> SubmitAsync(JobRequest request, IDocumentStore store, TextStore texts, Outbox outbox, TimeProvider time, CancellationToken cancellation)
    {
        if (await FaultAsync(request, texts, cancellation) is { } fault)
            return Results.BadRequest(new ErrorAnswer(fault));
        var job = new Job { Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("n"), Request = request, CreatedAt = time.GetUtcNow() };
        await store.AddAsync(job, cancellation);
        outbox.Add(job.Id);
        return Results.Accepted($"/jobs/{job.Id}", job);
    }

    private static async Task<string?> FaultAsync(JobRequest request, TextStore texts, CancellationToken cancellation)
    {
        if (request.Words is not { Count: > 0 and <= WordsMax } || request.Words.Any(word => string.IsNullOrWhiteSpace(word) || word.Length > WordCharsMax))
            return $"words: 1 to {WordsMax} words of 1 to {WordCharsMax} characters are required";
        if (request.Text is null == request.TextName is null)
            return "either text or textName is required";
        if (request.TextName is { } name && await texts.ReadAsync(name, cancellation) is null)
            return $"textName: there is no text \"{name}\"";
        return null;
    }

    private static async Task<IResult> FindAsync(string id, IDocumentStore store, CancellationToken cancellation) =>
        await store.FindAsync(id, cancellation) is { } job ? Results.Ok(job) : Results.NotFound(new ErrorAnswer($"there is no job \"{id}\""));

    private static async Task<IResult> StoreTextAsync(string name, HttpRequest request, TextStore texts, CancellationToken cancellation)
    {
        if (!TextStore.IsName(name))
            return Results.BadRequest(new ErrorAnswer("name: small letters, digits and dashes, at most 63"));
        await texts.WriteAsync(name, request.Body, cancellation);
        return Results.NoContent();
    }

    /// <summary>A store that does not answer is no fault of the client: 503, and it may come again.</summary>
    private static async Task AnswerUnavailableAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception error) when (error.IsOutage() && !context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1";
            await context.Response.WriteAsJsonAsync(new ErrorAnswer("the document store cannot be reached"), WordSearchJson.Default.ErrorAnswer);
        }
    }
}

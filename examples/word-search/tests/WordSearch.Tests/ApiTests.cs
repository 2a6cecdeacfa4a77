using System.Net;
using System.Net.Http.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WordSearch.Api;

namespace WordSearch.Tests;

public sealed class ApiTests : IAsyncLifetime
{
    /// <summary>A queue that can be away.</summary>
    private sealed class FakePublisher : IJobPublisher
    {
        public Channel<string> Published { get; } = Channel.CreateUnbounded<string>();
        public bool Away { get; set; }

        public Task PublishAsync(string jobId, CancellationToken cancellation)
        {
            if (Away)
                throw new IOException("away");
            return Published.Writer.WriteAsync(jobId, cancellation).AsTask();
        }
    }

    private readonly string _folder = Directory.CreateTempSubdirectory("word-search-").FullName;
    private readonly MemoryStore _store = new();
    private readonly FakePublisher _publisher = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(new Settings { Version = "7", Host = "api-0" }).AddSingleton(TimeProvider.System)
            .AddSingleton(new TextStore(_folder)).AddSingleton<IDocumentStore>(_store).AddSingleton<IJobPublisher>(_publisher);
        _app = ApiProgram.Build(builder);
        await _app.StartAsync();
        _client = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Job_IsAcceptedStoredAndPublished()
    {
        var response = await _client.PostAsync("/jobs", Body("""{"text":"a b","words":["a"]}"""));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var id = response.Headers.Location!.ToString().Split('/')[^1];
        Assert.Equal(id, await _publisher.Published.Reader.ReadAsync(_limit.Token));
        await _store.FinishAsync(id, Job.Done, new JobResult([new WordHits("a", 1, [1])], "w", "7", DateTimeOffset.UnixEpoch), null, default);
        var job = await _client.GetFromJsonAsync($"/jobs/{id}", WordSearchJson.Default.Job);
        Assert.Equal((Job.Done, 1), (job!.Status, job.Result!.Words[0].Count));
    }

    [Fact]
    public async Task QueueIsAway_TheJobIsAcceptedAndPublishedLater()
    {
        _publisher.Away = true;
        await _store.AddAsync(new Job { Id = "old", Request = new("a", null, ["a"]), CreatedAt = DateTimeOffset.UnixEpoch }, default);
        Assert.Equal(HttpStatusCode.Accepted, (await _client.PostAsync("/jobs", Body("""{"text":"a","words":["a"]}"""))).StatusCode);
        _publisher.Away = false;
        var outbox = _app.Services.GetRequiredService<Outbox>();
        await outbox.SweepAsync(_limit.Token);
        Assert.Equal("old", await _publisher.Published.Reader.ReadAsync(_limit.Token));
        await outbox.SweepAsync(_limit.Token);
        Assert.NotNull((await _store.FindAsync("old", default))!.PublishedAt);
    }

    [Theory]
    [InlineData("""{"words":["a"]}""", "either text or textName is required")]
    [InlineData("""{"text":"a","textName":"b","words":["a"]}""", "either text or textName is required")]
    [InlineData("""{"text":"a"}""", "words: 1 to 100 words of 1 to 100 characters are required")]
    [InlineData("""{"text":"a","words":[" "]}""", "words: 1 to 100 words of 1 to 100 characters are required")]
    [InlineData("""{"textName":"../etc/passwd","words":["a"]}""", "textName: there is no text \"../etc/passwd\"")]
    public async Task WrongJob_IsRefusedInWords(string body, string expected)
    {
        var response = await _client.PostAsync("/jobs", Body(body));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(expected, (await response.Content.ReadFromJsonAsync(WordSearchJson.Default.ErrorAnswer))!.Error);
    }

    [Fact]
    public async Task StoreIsAway_503AndNotReady()
    {
        _store.Failures = 100;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _client.PostAsync("/jobs", Body("""{"text":"a","words":["a"]}"""))).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _client.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task Text_IsStoredListedAndFound()
    {
        Assert.Equal(HttpStatusCode.NoContent, (await _client.PutAsync("/texts/hamlet", new StringContent("to be"))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _client.PutAsync("/texts/Ham.let", new StringContent("to be"))).StatusCode);
        Assert.Equal("""["hamlet"]""", await _client.GetStringAsync("/texts"));
        Assert.Equal(HttpStatusCode.Accepted, (await _client.PostAsync("/jobs", Body("""{"textName":"hamlet","words":["be"]}"""))).StatusCode);
    }

    [Fact]
    public async Task Version_IsTold() => Assert.Equal("""{"version":"7","host":"api-0"}""", await _client.GetStringAsync("/version"));

    [Fact]
    public async Task UnknownJob_404() => Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync("/jobs/nobody")).StatusCode);

    private static StringContent Body(string json) => new(json, System.Text.Encoding.UTF8, "application/json");
}

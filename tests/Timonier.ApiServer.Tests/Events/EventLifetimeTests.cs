using Microsoft.Extensions.Logging.Abstractions;
using Timonier.ApiServer.Events;
using Timonier.Client;
using Timonier.Testing.Fakes;

namespace Timonier.ApiServer.Tests.Events;

public sealed class EventLifetimeTests
{
    private const string Core = "/api/v1/namespaces/default/events", Newer = "/apis/events.k8s.io/v1/namespaces/default/events";

    /// <summary>Upstream's --event-ttl: an hour from when it was last seen, by either API; a series that goes on lives on.</summary>
    [Fact]
    public async Task Events_AreDeletedAnHourAfterTheyWereLastSeen()
    {
        var time = new FakeTime(new DateTimeOffset(2026, 1, 1, 10, 0, 0, TimeSpan.Zero));
        await using var server = await TestServer.StartAsync(o => o with { Time = time });
        await server.OkAsync("POST", Core, Event("core", "10:00"));
        await server.OkAsync("POST", Newer, """{"metadata":{"name":"newer"},"regarding":{"namespace":"default"},"eventTime":"2026-01-01T10:00:00.000000Z","reason":"R","action":"A","type":"Normal","reportingController":"a/b","reportingInstance":"i"}""");
        await server.OkAsync("POST", Core, Event("series", "10:00"));
        using var expiry = new EventExpiry(new ApiClient(server.Server.InProcess()), server.Server.Reader, time, NullLoggerFactory.Instance);

        await AdvanceAsync(time, expiry, TimeSpan.FromMinutes(50));
        await server.OkAsync("PATCH", Core + "/series", """{"lastTimestamp":"2026-01-01T10:50:00Z","count":2}""", "application/merge-patch+json");
        Assert.Equal(["core", "newer", "series"], await NamesAsync(server));
        await AdvanceAsync(time, expiry, TimeSpan.FromMinutes(14));
        Assert.Equal(["series"], await NamesAsync(server));
        await AdvanceAsync(time, expiry, TimeSpan.FromMinutes(50));
        Assert.Equal([], await NamesAsync(server));
    }

    /// <summary>Lets the clock go on, a minute at a time as it does, with the loop doing what is due.</summary>
    private static async Task AdvanceAsync(FakeTime time, EventExpiry expiry, TimeSpan by)
    {
        for (var minute = 0; minute < by.TotalMinutes; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await expiry.Loop.TryWorkAsync();
        }
    }

    private static string Event(string name, string at) =>
        $$$"""{"metadata":{"name":"{{{name}}}"},"involvedObject":{"namespace":"default"},"reason":"R","type":"Normal","firstTimestamp":"2026-01-01T{{{at}}}:00Z","lastTimestamp":"2026-01-01T{{{at}}}:00Z"}""";

    private static async Task<List<string?>> NamesAsync(TestServer server) =>
        [.. (await server.OkAsync("GET", Core)).GetList("items")!.Cast<Api.Json.JsonMap>().Select(i => (string?)i.GetPath("metadata", "name"))];
}

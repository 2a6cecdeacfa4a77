using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Api.Core.V1;
using Timonier.Testing.Fakes;

namespace Timonier.Client.Tests.Events;

public class EventTests
{
    private readonly FakeTime _time = new();
    private readonly ApiClient _client;
    private readonly EventBroadcaster _broadcaster;
    private readonly EventRecorder _recorder;
    private readonly Pod _pod = new() { Metadata = new() { Name = "p", Namespace = "ns", Uid = "u" } };

    public EventTests()
    {
        _client = new ApiClient(new FakeApi(_time));
        _broadcaster = new EventBroadcaster(_client, _time, NullLoggerFactory.Instance);
        _recorder = _broadcaster.Recorder("test", "node1");
    }

    [Fact]
    public async Task SameEventAgain_RaisesTheCount()
    {
        _recorder.Event(_pod, EventRecorder.Warning, "BackOff", "again");
        _recorder.Event(_pod, EventRecorder.Warning, "BackOff", "again");
        _time.Advance(TimeSpan.FromSeconds(5));
        _recorder.Event(_pod, EventRecorder.Warning, "BackOff", "again");
        var value = Assert.Single(await EventsAsync());
        Assert.Equal(3, value.Count);
        Assert.Equal(TimeSpan.FromSeconds(5), value.LastTimestamp - value.FirstTimestamp);
        Assert.Equal("node1", value.Source.Host);
        Assert.Equal(("Pod", "u", "v1"), (value.InvolvedObject.Kind, value.InvolvedObject.Uid, value.InvolvedObject.ApiVersion));
    }

    [Fact]
    public async Task ManyMessagesOfOneReason_AreCombined()
    {
        for (var i = 0; i < 12; i++)
            _recorder.Event(_pod, EventRecorder.Normal, "Pulled", $"image {i}");
        var events = await EventsAsync();
        Assert.Equal(10, events.Count);
        Assert.Equal("(combined from similar events): image 11", events[^1].Message);
        Assert.Equal(3, events[^1].Count);
    }

    [Fact]
    public async Task TooManyEventsOfOneObject_AreDropped()
    {
        for (var i = 0; i < 40; i++)
            _recorder.Event(_pod, EventRecorder.Normal, $"Reason{i}", "m");
        Assert.Equal(25, (await EventsAsync()).Count);
        _time.Advance(TimeSpan.FromMinutes(5));
        _recorder.Event(_pod, EventRecorder.Normal, "Later", "m");
        Assert.Equal(26, (await EventsAsync()).Count);
    }

    [Fact]
    public async Task CountedEventGone_IsMadeAnew()
    {
        _recorder.Event(_pod, EventRecorder.Normal, "R", "m");
        var first = Assert.Single(await EventsAsync());
        await _client.DeleteAsync<Event>("ns", first.Metadata.Name);
        _recorder.Event(_pod, EventRecorder.Normal, "R", "m");
        Assert.Equal(2, Assert.Single(await EventsAsync()).Count);
    }

    private async Task<IReadOnlyList<Event>> EventsAsync()
    {
        await _broadcaster.DrainAsync();
        return (await _client.ListAsync<Event>()).Items;
    }
}

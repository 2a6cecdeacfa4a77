using Timonier.Api.Core.V1;
using Timonier.ApiServer.Events;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Events;

public sealed class EventExpiryTests
{
    [Theory]
    [InlineData("""{"metadata":{"creationTimestamp":"2026-01-01T10:00:00Z"}}""", "10:00")]
    [InlineData("""{"metadata":{"creationTimestamp":"2026-01-01T10:00:00Z"},"firstTimestamp":"2026-01-01T09:00:00Z","lastTimestamp":"2026-01-01T10:30:00Z"}""", "10:30")]
    [InlineData("""{"metadata":{"creationTimestamp":"2026-01-01T10:00:00Z"},"eventTime":"2026-01-01T10:01:00.000000Z"}""", "10:01")]
    [InlineData("""{"metadata":{"creationTimestamp":"2026-01-01T10:00:00Z"},"eventTime":"2026-01-01T10:01:00.000000Z","series":{"count":3,"lastObservedTime":"2026-01-01T11:15:00.000000Z"}}""", "11:15")]
    public void Event_LivesFromWhenItWasLastSeen(string text, string time) => Assert.Equal(time, EventExpiry.LastSeen(Given.Object<Event>(text)).ToString("HH:mm", System.Globalization.CultureInfo.InvariantCulture));
}

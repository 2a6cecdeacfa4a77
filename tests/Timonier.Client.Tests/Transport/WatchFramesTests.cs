using System.Buffers;
using System.Text;
using Timonier.Api.Errors;

namespace Timonier.Client.Tests.Transport;

public class WatchFramesTests
{
    [Theory]
    [InlineData("""{"type":"ADDED","object":{"a":[1,{"b":"}\n"}]}}""", """Added {"a":[1,{"b":"}\n"}]}""")]
    [InlineData("""{"object":{"kind":"Status"},"type":"ERROR"}""", """Error {"kind":"Status"}""")]
    [InlineData("""{"type":"BOOKMARK","object":{}}""", "Bookmark {}")]
    public async Task Line_IsAnEvent(string line, string expected) => Assert.Equal([expected, expected], await ReadAsync(line + "\n" + line + "\n"));

    [Fact]
    public async Task TornLastLine_IsNoEvent() => Assert.Equal(["Added {}"], await ReadAsync("{\"type\":\"ADDED\",\"object\":{}}\n{\"type\":\"ADD"));

    [Theory]
    [InlineData("{\"type\":\"ADDED\"}\n")]
    [InlineData("<html>\n")]
    [InlineData("{\"type\":\"WHAT\",\"object\":{}}\n")]
    public async Task NoWatchEvent_IsRefused(string line) => await Assert.ThrowsAsync<ApiException>(() => ReadAsync(line));

    [Fact]
    public async Task LargeObject_ComesWhole()
    {
        var text = new string('x', 300_000);
        var events = await ReadAsync($"{{\"type\":\"ADDED\",\"object\":{{\"t\":\"{text}\"}}}}\n");
        Assert.Equal("Added {\"t\":\"" + text + "\"}", Assert.Single(events));
    }

    private static async Task<List<string>> ReadAsync(string text)
    {
        var events = new List<string>();
        await foreach (var change in WatchFrames.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), default))
            events.Add($"{change.Type} {Encoding.UTF8.GetString(change.Object.ToArray())}");
        return events;
    }
}

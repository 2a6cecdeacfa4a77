namespace Timonier.Store.Tests;

public sealed class KeyRangeTests
{
    [Theory]
    [InlineData("/pods/", "/pods/a", true)]
    [InlineData("/pods/", "/pods/", true)]
    [InlineData("/pods/", "/pods/\uffff\uffff", true)]
    [InlineData("/pods/", "/pods0", false)]
    [InlineData("/pods/", "/pod", false)]
    [InlineData("\uffff", "\uffffz", true)]
    [InlineData("a\uffff", "a\uffffz", true)]
    [InlineData("a\uffff", "b", false)]
    [InlineData("", "anything", true)]
    public void Prefix_HoldsExactlyWhatBeginsWithIt(string prefix, string key, bool expected) =>
        Assert.Equal(expected, KeyRange.Prefix(prefix).Contains(key));

    [Fact]
    public void After_LeavesOutTheKeyAndKeepsTheNext()
    {
        var rest = KeyRange.Prefix("/a/").After("/a/b");
        Assert.False(rest.Contains("/a/b"));
        Assert.True(rest.Contains("/a/b\0"));
        Assert.True(rest.Contains("/a/ba"));
    }
}

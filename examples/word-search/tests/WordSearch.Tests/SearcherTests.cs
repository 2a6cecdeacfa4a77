using WordSearch.Worker;

namespace WordSearch.Tests;

public class SearcherTests
{
    private const string Text = "To be, or not to be:\nthat is the question.\n\nBe! Überall be-be";

    [Theory]
    [InlineData("be", "3: 1 4")]
    [InlineData("BE", "3: 1 4")]
    [InlineData(" to ", "2: 1")]
    [InlineData("quest", "0: ")]
    [InlineData("überall", "1: 4")]
    [InlineData("be-be", "1: 4")]
    public void Word_IsCountedWholeAndInAnyCase(string word, string expected)
    {
        var hits = Assert.Single(Searcher.Search(Text, [word]));
        Assert.Equal((word, expected), (hits.Word, $"{hits.Count}: {string.Join(' ', hits.Lines)}"));
    }

    [Fact]
    public void SameWordTwice_IsAnsweredTwice() =>
        Assert.Equal([3, 3], Searcher.Search(Text, ["be", "Be"]).Select(hits => hits.Count));
}

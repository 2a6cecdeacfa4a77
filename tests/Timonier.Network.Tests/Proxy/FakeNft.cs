namespace Timonier.Network.Tests.Proxy;

/// <summary>
/// As much of nft as our scripts use, and as strict: what exists cannot be added with another value, what does not exist
/// cannot be deleted or referred to, and what is referred to cannot be deleted.
/// </summary>
internal sealed class FakeNft
{
    private readonly Dictionary<string, List<string>> _chains = new() { ["refuse"] = [] };

    public Dictionary<string, string> Elements { get; } = [];
    public HashSet<string> Sets { get; } = [];

    public IEnumerable<string> Rules() => _chains.SelectMany(chain => chain.Value.Select(rule => $"{chain.Key} {rule}"));

    public void Apply(string script)
    {
        foreach (var line in script.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split(' ', 6);
            var rest = words.Length > 5 ? words[5] : "";
            switch ($"{words[0]} {words[1]}")
            {
                case "add set": Assert.True(Sets.Add(words[4]), line); break;
                case "add chain": Assert.True(_chains.TryAdd(words[4], []), line); break;
                case "add rule": CheckReferences(rest, line); _chains[words[4]].Add(rest); break;
                case "flush chain": _chains[words[4]].Clear(); break;
                case "delete chain": Assert.Empty(_chains[words[4]]); AssertUnused(words[4], line); _chains.Remove(words[4]); break;
                case "delete set": AssertUnused("@" + words[4], line); Assert.True(Sets.Remove(words[4]), line); break;
                case "add element": AddElement(words[4], rest.Trim('{', '}', ' ').Split(" : "), line); break;
                case "delete element": Assert.True(Elements.Remove($"{words[4]} {rest.Trim('{', '}', ' ')}"), line); break;
                default: Assert.Fail(line); break;
            }
        }
    }

    private void AddElement(string container, string[] parts, string line)
    {
        var verdict = parts.Length > 1 ? parts[1] : "";
        CheckReferences(verdict, line);
        Assert.True(Elements.TryAdd($"{container} {parts[0]}", verdict), line);
    }

    private void CheckReferences(string text, string line)
    {
        var words = text.Split(' ', ',');
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] == "goto")
                Assert.True(_chains.ContainsKey(words[i + 1]), line);
            if (words[i].StartsWith('@'))
                Assert.True(Sets.Contains(words[i][1..]), line);
        }
    }

    private void AssertUnused(string name, string line)
    {
        Assert.DoesNotContain(Elements.Values, verdict => verdict.Split(' ').Contains(name));
        Assert.False(_chains.Values.SelectMany(rules => rules).Any(rule => rule.Split(' ', ',').Contains(name)), line);
    }
}

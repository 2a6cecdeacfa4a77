using System.Text;

namespace Timonier.Network.Proxy;

/// <summary>Input for <c>nft -f -</c>, which applies it as one transaction or not at all.</summary>
internal static class NftScript
{
    /// <summary>Commands that lead from one model to the other; "" when they are equal.</summary>
    public static string Diff(string table, NftModel before, NftModel after)
    {
        var script = new StringBuilder();
        foreach (var (name, definition) in Added(before.Sets, after.Sets))
            Line(script, $"add set ip {table} {name} {{ {definition} }}");
        WriteChains(script, table, before, after);
        WriteElements(script, table, before, after);
        var gone = Added(after.Chains, before.Chains).Select(chain => chain.Key).ToList();
        gone.ForEach(name => Line(script, $"flush chain ip {table} {name}"));
        gone.ForEach(name => Line(script, $"delete chain ip {table} {name}"));
        foreach (var (name, _) in Added(after.Sets, before.Sets))
            Line(script, $"delete set ip {table} {name}");
        return script.ToString();
    }

    private static void WriteChains(StringBuilder script, string table, NftModel before, NftModel after)
    {
        // All chains exist before the first rule, since rules go to chains in any order.
        foreach (var (name, _) in Added(before.Chains, after.Chains))
            Line(script, $"add chain ip {table} {name}");
        foreach (var (name, rules) in after.Chains)
        {
            var known = before.Chains.GetValueOrDefault(name);
            if (known is not null && known.SequenceEqual(rules))
                continue;
            if (known is not null)
                Line(script, $"flush chain ip {table} {name}");
            foreach (var rule in rules)
                Line(script, $"add rule ip {table} {name} {rule}");
        }
    }

    private static void WriteElements(StringBuilder script, string table, NftModel before, NftModel after)
    {
        foreach (var (element, verdict) in before.Elements)
            if (after.Elements.GetValueOrDefault(element) != verdict)
                Line(script, $"delete element ip {table} {element.Container} {{ {element.Key} }}");
        foreach (var (element, verdict) in after.Elements)
            if (before.Elements.GetValueOrDefault(element) != verdict)
                Line(script, $"add element ip {table} {element.Container} {{ {element.Key}{(verdict == "" ? "" : " : " + verdict)} }}");
    }

    private static IEnumerable<KeyValuePair<string, T>> Added<T>(IReadOnlyDictionary<string, T> before, IReadOnlyDictionary<string, T> after) =>
        after.Where(entry => !before.ContainsKey(entry.Key));

    private static void Line(StringBuilder script, string line) => script.Append(line).Append('\n');
}

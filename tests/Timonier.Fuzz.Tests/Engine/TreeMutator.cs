using System.Text;
using System.Text.Json;
using Timonier.Api.Json;

namespace Timonier.Fuzz.Tests.Engine;

/// <summary>Changes values, not bytes, of JSON: it stays JSON, but with values of other types, keys twice, parts moved elsewhere.</summary>
internal static class TreeMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        object? tree;
        try
        {
            tree = JsonParser.Parse(input);
        }
        catch (JsonException)
        {
            return input;
        }
        var places = new List<(object Holder, object Step)>();
        Collect(tree, places);
        if (places.Count == 0)
            return input;
        var (holder, step) = places[random.Next(places.Count)];
        var (otherHolder, otherStep) = places[random.Next(places.Count)];
        var value = random.Next(3) switch
        {
            0 => new ObjectMaker(random).Wrong(),
            1 => JsonTree.DeepClone(Get(otherHolder, otherStep)),
            _ => JsonTree.DeepClone(Get(holder, step)),
        };
        switch (random.Next(6))
        {
            case 0 when holder is JsonMap map: map.Remove((string)step); break;
            case 1 when holder is JsonMap map && otherStep is string key: map[key] = value; break;
            case 2 when holder is JsonList list: list.Insert((int)step, value); break;
            case 3 when holder is JsonList list: list.RemoveAt((int)step); break;
            default: Set(holder, step, value); break;
        }
        var result = Encode(tree);
        return random.Next(6) == 0 ? Twice(random, result) : result;
    }

    private static byte[] Encode(object? tree)
    {
        try
        {
            return JsonEncoder.Encode(tree);
        }
        catch (InvalidOperationException)
        {
            return []; // deeper than a writer goes
        }
    }

    /// <summary>Puts a key behind an opening brace that may be there a second time.</summary>
    private static byte[] Twice(Random random, byte[] json)
    {
        var brace = Array.IndexOf(json, (byte)'{', random.Next(json.Length));
        if (brace < 0)
            return json;
        var key = json.AsSpan(brace).IndexOf("\""u8) is >= 0 and var at && json.AsSpan(brace + at + 1).IndexOf("\""u8) is >= 0 and var length ? Encoding.UTF8.GetString(json, brace + at + 1, length) : "a";
        return ByteMutator.Replace(json, brace + 1, 0, Encoding.UTF8.GetBytes($"\"{key}\":{(random.Next(2) == 0 ? "1" : "{}")},"));
    }

    private static void Collect(object? node, List<(object, object)> places)
    {
        if (node is JsonMap map)
        {
            foreach (var (key, value) in map)
            {
                places.Add((map, key));
                Collect(value, places);
            }
        }
        else if (node is JsonList list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                places.Add((list, i));
                Collect(list[i], places);
            }
        }
    }

    private static object? Get(object holder, object step) => holder is JsonMap map ? map[(string)step] : ((JsonList)holder)[(int)step];

    private static void Set(object holder, object step, object? value)
    {
        if (holder is JsonMap map)
            map[(string)step] = value;
        else
            ((JsonList)holder)[(int)step] = value;
    }
}

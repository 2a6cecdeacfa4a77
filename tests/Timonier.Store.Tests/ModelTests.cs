using Xunit.Abstractions;

namespace Timonier.Store.Tests;

/// <summary>
/// A random run of everything against a model which keeps every state it ever had. The store is small in memory, so that disk
/// history, compaction and reopening come in all orders.
/// </summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task AnyRun_StoreSaysWhatTheModelSays(int seed)
    {
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var directory = new TestDirectory();
        var store = directory.Open(historyMemoryBytes: 3000, timeProvider: new ManualTime());
        var model = new Model();
        for (var step = 0; step < 600; step++)
        {
            switch (random.Next(20))
            {
                case 0:
                    await store.DisposeAsync();
                    store = directory.Open(historyMemoryBytes: random.Next(2) * 3000, timeProvider: new ManualTime());
                    break;
                case 1 when model.Revision > model.Compacted:
                    model.Compacted += random.Next(1, (int)(model.Revision - model.Compacted) + 1);
                    await store.CompactAsync(model.Compacted);
                    break;
                case 2:
                    await AssertPastAsync(store, model, random);
                    break;
                default:
                    await WriteAsync(store, model, random);
                    break;
            }

            Assert.Equal((model.Revision, model.Compacted), (store.Revision, store.CompactedRevision));
        }

        await AssertPastAsync(store, model, random);
        await store.DisposeAsync();
    }

    private static async Task WriteAsync(EmbeddedStore store, Model model, Random random)
    {
        var state = model.States[^1];
        var keys = Enumerable.Range(0, random.Next(1, 5)).Select(_ => $"/{random.Next(3)}/{random.Next(12)}").Distinct().ToArray();
        var operations = keys.Select(key => random.Next(3) == 0 ? RequestOp.Delete(key) : RequestOp.Put(key, new string('v', random.Next(200)).Utf8())).ToArray();
        var compared = $"/{random.Next(3)}/{random.Next(12)}";
        var expected = random.Next(4) == 0 ? random.Next(5) : state.GetValueOrDefault(compared).Revision;
        var response = await store.TxnAsync(new TxnRequest([new Compare(compared, expected)], operations));
        Assert.Equal(state.GetValueOrDefault(compared).Revision == expected, response.Succeeded);
        if (response.Succeeded)
        {
            model.Apply(operations);
        }

        Assert.Equal(model.Revision, response.Revision);
    }

    private static async Task AssertPastAsync(EmbeddedStore store, Model model, Random random)
    {
        var oldest = Math.Max(1, model.Compacted);
        var revision = oldest + random.Next((int)(model.Revision - oldest) + 1);
        foreach (var range in (KeyRange[])[KeyRange.All, KeyRange.Prefix("/1/"), new KeyRange("/0/5", "/2/1")])
        {
            var expected = model.States[(int)revision].Where(one => range.Contains(one.Key)).Select(one => (one.Key, one.Value.Text, one.Value.Revision));
            var response = await store.RangeAsync(range, revision);
            Assert.Equal(expected, response.Entries.Select(one => (one.Key, one.Text(), one.ModRevision)));
        }

        if (model.Compacted > 1)
        {
            await Assert.ThrowsAsync<CompactedException>(async () => await store.GetAsync("/0/0", model.Compacted - 1));
            await Assert.ThrowsAsync<CompactedException>(() => store.ChangesAsync(model.Compacted, model.Revision));
        }

        if (revision < model.Revision)
        {
            Assert.Equal(model.Changes(revision + 1), await store.ChangesAsync(revision + 1, model.Revision));
        }
    }

    /// <summary>Every state by revision; what the store does, without any of its cleverness.</summary>
    private sealed class Model
    {
        private readonly List<(long Revision, string Text)> _changes = [];

        public List<SortedDictionary<string, (string Text, long Revision)>> States { get; } = [new(), new(StringComparer.Ordinal)];

        public long Revision => States.Count - 1;

        public long Compacted { get; set; }

        public IEnumerable<string> Changes(long startRevision) => _changes.Where(one => one.Revision >= startRevision).Select(one => one.Text);

        public void Apply(RequestOp[] operations)
        {
            var next = new SortedDictionary<string, (string Text, long Revision)>(States[^1], StringComparer.Ordinal);
            var revision = Revision + 1;
            var any = false;
            foreach (var operation in operations)
            {
                var before = next.TryGetValue(operation.Key, out var old) ? old.Text : "-";
                var after = operation.Value is { } value ? System.Text.Encoding.UTF8.GetString(value.Span) : null;
                if (after is null && !next.Remove(operation.Key))
                {
                    continue;
                }

                if (after is not null)
                {
                    next[operation.Key] = (after, revision);
                }

                any = true;
                _changes.Add((revision, $"{revision} {operation.Key} {before}>{after ?? "-"}"));
            }

            if (any)
            {
                States.Add(next);
            }
        }
    }
}

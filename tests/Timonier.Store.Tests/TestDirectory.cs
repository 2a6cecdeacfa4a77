namespace Timonier.Store.Tests;

/// <summary>A folder of its own for a test, gone after it.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("timonier-store-").FullName;

    public string Database => System.IO.Path.Combine(Path, "store.db");

    public EmbeddedStore Open(Action<StoreFaultPoint>? onFaultPoint = null, TimeProvider? timeProvider = null, long historyMemoryBytes = 16 << 20) =>
        EmbeddedStore.Open(
            new StoreOptions { Directory = Path, OnFaultPoint = onFaultPoint, HistoryMemoryBytesMax = historyMemoryBytes },
            timeProvider ?? TimeProvider.System);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

using Timonier.Api.Core.V1;
using Timonier.Kubelet.Eviction;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Eviction;

/// <summary>A machine with as much of everything as the test says: all of it a hundred, until set.</summary>
internal sealed class FakeSignals : INodeSignals
{
    public Dictionary<EvictionSignal, SignalReading> Readings { get; } = Enum.GetValues<EvictionSignal>().ToDictionary(s => s, _ => new SignalReading(100, 100));

    public LocalStorageUse Use { get; set; } = new(new Dictionary<string, long>(), new Dictionary<string, long>());

    public IReadOnlyDictionary<EvictionSignal, SignalReading> Read() => Readings;

    public Task<LocalStorageUse> LocalStorageAsync(Pod pod, RuntimePod runtime, CancellationToken cancellationToken) => Task.FromResult(Use);
}

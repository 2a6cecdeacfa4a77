using Timonier.Api;
using Timonier.Api.Core.V1;
using Timonier.Kubelet.Pods;

namespace Timonier.Kubelet.Tests.Pods;

/// <summary>Pods and runtime states in short notation.</summary>
internal static class TestPods
{
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public static Pod Pod(string restartPolicy = PodSpecs.Always, string[]? containers = null, Container[]? inits = null) => new()
    {
        Metadata = new() { Name = "p", Namespace = "ns", Uid = "u1", Generation = 1 },
        Spec = new()
        {
            NodeName = "n",
            RestartPolicy = restartPolicy,
            Containers = [.. (containers ?? ["a"]).Select(n => new Container { Name = n, Image = "i:1", ImagePullPolicy = "IfNotPresent" })],
            InitContainers = inits ?? [],
        },
    };

    public static Container Init(string name) => new() { Name = name, Image = "i:1", ImagePullPolicy = "IfNotPresent" };

    public static Container Sidecar(string name) => Init(name) with { RestartPolicy = PodSpecs.Always };

    /// <summary>
    /// One word per container, newest first: <c>name:run</c>, <c>name:0</c> (ended with that code), <c>name:created</c>, <c>name:unknown</c>.
    /// A sandbox is there and ready unless the text begins with <c>!</c> (not ready); empty text: nothing at all.
    /// </summary>
    public static RuntimePod Runtime(string text)
    {
        if (text.Length == 0)
            return RuntimePod.Empty;
        var ready = text[0] != '!';
        var words = text.TrimStart('!').Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(w => w != "-").ToArray();
        return new([new("s0", 0, ready, Now, ["10.0.0.1"])], [.. words.Select((w, i) => Container(w, i, words))]);
    }

    private static RuntimeContainer Container(string word, int index, string[] words)
    {
        var (name, state) = (word.Split(':')[0], word.Split(':')[1]);
        var older = words.Skip(index + 1).Count(w => w.Split(':')[0] == name);
        return new RuntimeContainer
        {
            Id = $"{name}{older}",
            Name = name,
            RestartCount = older,
            State = state switch { "run" => RuntimeState.Running, "created" => RuntimeState.Created, "unknown" => RuntimeState.Unknown, _ => RuntimeState.Exited },
            ExitCode = int.TryParse(state, out var code) ? code : 0,
            StartedAt = Now.AddMinutes(-2),
            FinishedAt = Now.AddMinutes(-1),
            CreatedAt = Now.AddSeconds(-index),
        };
    }

    public static Quantity Quantity(string text) => Api.Quantity.Parse(text);
}

/// <summary>Probe results that a test sets by container id. By default everything is alive, started and ready.</summary>
internal sealed class FakeProbes : IProbeResults
{
    public HashSet<string> NotAlive { get; } = [];
    public HashSet<string> StartFailed { get; } = [];
    public HashSet<string> NotStarted { get; } = [];
    public HashSet<string> NotReady { get; } = [];

    public bool LivenessFailed(string containerId) => NotAlive.Contains(containerId);
    public bool StartupFailed(string containerId) => StartFailed.Contains(containerId);
    public bool Started(string containerId, Container container) => !NotStarted.Contains(containerId);
    public bool Ready(string containerId, Container container) => !NotReady.Contains(containerId);
}

using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace Timonier.Fuzz.Tests.Engine;

/// <summary>What a run found. A seed and a target repeat it; the inputs of the findings stand in it.</summary>
/// <param name="Costliest">The input that allocated the most, shortened.</param>
internal sealed record FuzzReport(string Target, int Seed, long Executions, long Accepted, TimeSpan Slowest, long AllocatedMax, string Costliest, IReadOnlyList<string> Findings)
{
    public override string ToString() =>
        $"{Target}: seed {Seed}, {Executions} executions, {Accepted} accepted, slowest {Slowest.TotalMilliseconds:0} ms, most allocated {AllocatedMax >> 10} KiB by {Costliest}, {Findings.Count} findings{string.Concat(Findings.Select(f => "\n  " + f))}";
}

/// <summary>
/// Mutates inputs and runs the target on each. What was accepted, and what costs more than before, joins the inputs that are mutated on. Bounds per execution: time, bytes
/// allocated, stack (a thread of one megabyte, a fifth of what a request has at least).
/// </summary>
internal sealed class Fuzzer(FuzzTarget target, int seed)
{
    private const int StackBytes = 1 << 20;
    private const int PoolMax = 1000;
    private const int FindingsMax = 5;
    private static readonly TimeSpan ExecutionMax = TimeSpan.FromSeconds(2);

    private readonly Random _random = new(seed);
    private readonly List<byte[]> _pool = [.. target.Seeds];
    private readonly Dictionary<string, string> _findings = [];
    private long _executions, _accepted, _allocatedMax;
    private TimeSpan _slowest;
    private byte[] _costliest = [];

    /// <param name="mutantsMax">With it the run is the same on every machine, unless the budget ends it first.</param>
    public FuzzReport Run(TimeSpan budget, long mutantsMax = long.MaxValue)
    {
        var thread = new Thread(() => RunSeedsThenMutants(budget, mutantsMax), StackBytes) { Name = target.Name };
        thread.Start();
        thread.Join();
        return new(target.Name, seed, _executions, _accepted, _slowest, _allocatedMax, Shown(_costliest), [.. _findings.Values]);
    }

    private void RunSeedsThenMutants(TimeSpan budget, long mutantsMax)
    {
        using var last = LastInput.Open();
        foreach (var input in target.Seeds)
            Execute(input, last);
        var started = Stopwatch.GetTimestamp();
        for (long mutants = 0; mutants < mutantsMax && Stopwatch.GetElapsedTime(started) < budget && _findings.Count < FindingsMax; mutants++)
        {
            var input = _pool[_random.Next(_pool.Count)];
            for (var i = 1 + _random.Next(4); i > 0; i--)
                input = target.Mutate is { } mutate && _random.Next(3) > 0 ? mutate(_random, input) : ByteMutator.Mutate(_random, input, target.Tokens, () => _pool[_random.Next(_pool.Count)]);
            Execute(input, last);
        }
    }

    private void Execute(byte[] input, LastInput? last)
    {
        last?.Write(input);
        _executions++;
        var (accepted, elapsed, allocated) = Measure(input);
        if (elapsed > ExecutionMax && Measure(input).Elapsed > ExecutionMax && Measure(input).Elapsed > ExecutionMax)
            Found("slow", $"takes {elapsed.TotalSeconds:0.0} s", input); // three times, for the machine may have been busy
        if (allocated > (32L << 20) + (2000L * input.Length))
            Found("memory", $"allocates {allocated >> 20} MiB", input);
        if (accepted)
            _accepted++;
        if ((accepted && _random.Next(8) == 0) || allocated > _allocatedMax)
        {
            if (_pool.Count < PoolMax)
                _pool.Add(input);
            else
                _pool[_random.Next(PoolMax)] = input;
        }
        _slowest = elapsed > _slowest ? elapsed : _slowest;
        if (allocated > _allocatedMax)
            (_allocatedMax, _costliest) = (allocated, input);
    }

    private (bool Accepted, TimeSpan Elapsed, long Allocated) Measure(byte[] input)
    {
        var accepted = false;
        var (started, waited, allocated) = (Stopwatch.GetTimestamp(), WaitedForCpu(), GC.GetAllocatedBytesForCurrentThread());
        try
        {
            accepted = target.Run(input);
        }
#pragma warning disable CA1031 // Whatever it is: it is the finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var at = (e.StackTrace ?? "").Split('\n').FirstOrDefault(line => line.Contains("Timonier.", StringComparison.Ordinal) && !line.Contains("Timonier.Fuzz", StringComparison.Ordinal)) ?? "";
            Found(e.GetType().Name + at + (e is FuzzException ? e.Message[..Math.Min(20, e.Message.Length)] : ""), $"{e.GetType().Name}: {e.Message}{at}", input);
        }
        return (accepted, Stopwatch.GetElapsedTime(started) - (WaitedForCpu() - waited), GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    /// <summary>How long this thread would have run, had the machine had time for it: sched-stats.rst, the second number. Zero where the kernel doesn't count.</summary>
    private static TimeSpan WaitedForCpu()
    {
        const string Statistics = "/proc/thread-self/schedstat";
        return File.Exists(Statistics) && long.TryParse(File.ReadAllText(Statistics).Split(' ') is [_, var wait, ..] ? wait : "", CultureInfo.InvariantCulture, out var nanoseconds)
            ? TimeSpan.FromMicroseconds(nanoseconds / 1000.0) : TimeSpan.Zero;
    }

    /// <summary>One finding of each kind, the smallest input that showed it.</summary>
    private void Found(string kind, string what, byte[] input)
    {
        var finding = $"{what} on {Shown(input)}\n    base64: {Convert.ToBase64String(input.AsSpan(0, Math.Min(1200, input.Length)))}";
        if (!_findings.TryGetValue(kind, out var known) || finding.Length < known.Length)
            _findings[kind] = finding;
    }

    private static string Shown(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        return text.Length <= 500 ? text : $"{text[..250]} ... {text[^200..]} ({input.Length} bytes)";
    }

    /// <summary>Outlives the process, which a stack overflow ends at once: TIMONIER_FUZZ_LAST names the file.</summary>
    private sealed class LastInput : IDisposable
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;

        private LastInput(string path)
        {
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Create, null, sizeof(int) + ByteMutator.LengthMax * 64);
            _view = _file.CreateViewAccessor();
        }

        public static LastInput? Open() => Environment.GetEnvironmentVariable("TIMONIER_FUZZ_LAST") is { Length: > 0 } path ? new LastInput(path) : null;

        public void Write(byte[] input)
        {
            _view.Write(0, input.Length);
            _view.WriteArray(sizeof(int), input, 0, Math.Min(input.Length, ByteMutator.LengthMax * 64));
        }

        public void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
        }
    }
}

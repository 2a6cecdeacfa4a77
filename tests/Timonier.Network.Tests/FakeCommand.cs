using System.Threading.Channels;

namespace Timonier.Network.Tests;

/// <summary>Hands every command to the test, which decides how it ends.</summary>
internal sealed class FakeCommand : IExternalCommand
{
    public sealed record Call(string File, IReadOnlyList<string> Arguments, string Input, TaskCompletionSource<string> End);

    public Channel<Call> Calls { get; } = Channel.CreateBounded<Call>(16);

    public async Task<string> RunAsync(string file, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        var call = new Call(file, arguments, input, new TaskCompletionSource<string>());
        await Calls.Writer.WriteAsync(call, cancellation);
        return await call.End.Task.WaitAsync(cancellation);
    }
}

/// <summary>Time that passes by itself: a delay is over as soon as somebody waits for it.</summary>
internal sealed class HastyTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
}

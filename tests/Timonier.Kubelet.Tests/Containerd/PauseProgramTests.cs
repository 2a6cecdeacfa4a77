using System.Diagnostics;
using System.Runtime.InteropServices;
using Timonier.Kubelet.Containerd;

namespace Timonier.Kubelet.Tests.Containerd;

public sealed class PauseProgramTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(2)]
    public async Task StopSignal_EndsWithSuccess(int signal)
    {
        var program = PauseProgram.Build(RuntimeInformation.OSArchitecture);
        Assert.NotNull(program);
        var waiting = RuntimeInformation.OSArchitecture == Architecture.X64 ? "128 " : "137 "; // rt_sigtimedwait
        var directory = Directory.CreateTempSubdirectory("timonier-pause-");
        try
        {
            var path = Path.Combine(directory.FullName, "pause");
            await File.WriteAllBytesAsync(path, program);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            using var process = Process.Start(path);
            // Before it waits for signals, one would end it with 128 + its number.
            Assert.True(SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{process.Id}/syscall").StartsWith(waiting, StringComparison.Ordinal), TimeSpan.FromSeconds(30)));
            Assert.True(Native.Kill(process.Id, signal));
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(Architecture.X64, 62)]
    [InlineData(Architecture.Arm64, 183)]
    public void EachArchitecture_HasItsElfMachine(Architecture architecture, byte machine)
    {
        var program = PauseProgram.Build(architecture)!;
        Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F'], program[..4]);
        Assert.Equal(machine, program[18]);
        // The signal set (SIGINT, SIGTERM, SIGCHLD) stands at a fixed place that the code refers to.
        Assert.Equal([0x02, 0x40, 0x01, 0, 0, 0, 0, 0], program[(120 + (architecture == Architecture.X64 ? 0x68 : 0x70))..][..8]);
    }

    [Fact]
    public void UnknownArchitecture_GivesNothing() => Assert.Null(PauseProgram.Build(Architecture.S390x));
}

using Microsoft.Extensions.Logging.Abstractions;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Tests.Containerd;

/// <summary>A containerd that does not come up. One that does is the business of the cluster tests.</summary>
public sealed class ContainerdSupervisorTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("timonier-containerd-");

    public void Dispose() => _directory.Delete(recursive: true);

    private ContainerdOptions Options(string program) => new()
    {
        RootDirectory = Path.Combine(_directory.FullName, "root"),
        StateDirectory = Path.Combine(_directory.FullName, "run"),
        CniConfigDirectory = Path.Combine(_directory.FullName, "cni"),
        Program = program,
    };

    private static async Task<ProcessFailedException> FailureAsync(ContainerdOptions options)
    {
        using var channel = new GrpcChannel(options.SocketPath, TimeProvider.System);
        var supervisor = new ContainerdSupervisor(options, channel, TimeProvider.System, NullLogger.Instance);
        return await Assert.ThrowsAsync<ProcessFailedException>(() => supervisor.StartAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token));
    }

    private static bool HasRuntime => HostProbe.FindProgram("crun") is not null || HostProbe.FindProgram("runc") is not null;

    [Fact]
    public async Task MissingProgram_SaysWhatIsMissing()
    {
        var failure = await FailureAsync(Options("/nonexistent/containerd"));
        Assert.Contains(HasRuntime ? "is containerd installed?" : "neither crun nor runc", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProgramThatEndsAtOnce_IsReportedWithItsLastWords()
    {
        var program = Path.Combine(_directory.FullName, "fake");
        await File.WriteAllTextAsync(program, "#!/bin/sh\necho disk on fire >&2\nexit 1\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var failure = await FailureAsync(Options(program));
        Assert.Contains(HasRuntime ? "disk on fire" : "neither crun nor runc", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PidFileOfAnotherProcess_IsNotTakenForContainerd()
    {
        var options = Options("/nonexistent/containerd");
        Directory.CreateDirectory(options.StateDirectory);
        await File.WriteAllTextAsync(options.PidPath, Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await FailureAsync(options);
    }
}

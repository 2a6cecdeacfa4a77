using System.Runtime.InteropServices;
using Timonier.Kubelet.Containerd;
using Timonier.Kubelet.Cri;

namespace Timonier.Kubelet.Images;

/// <summary>An image on this machine. <see cref="Names"/> has its tags; none for an image that lost its tag. Size is in bytes, compressed.</summary>
public sealed record LocalImage(string Id, IReadOnlyList<string> Names, IReadOnlyList<string> Digests, long Size);

/// <summary>
/// The images of timonier's containerd: what <c>timonier image build|import|list|rm</c> does. Needs a running containerd.
/// Failures are <see cref="ProcessFailedException"/> or <see cref="CriException"/>, with a sentence for a person.
/// </summary>
public sealed class ImageStore : IDisposable
{
    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan ImportTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan VisibleTimeout = TimeSpan.FromSeconds(10);

    private readonly ContainerdOptions _options;
    private readonly TimeProvider _time;
    private readonly GrpcChannel? _ownedChannel;
    private readonly ICri _cri;
    private readonly ProcessRunner _processes;

    /// <summary>For a process of its own (the command line), beside the running server.</summary>
    public ImageStore(ContainerdOptions options, TimeProvider time)
    {
        (_options, _time, _processes) = (options, time, new ProcessRunner(time));
        _ownedChannel = new GrpcChannel(options.SocketPath, time);
        _cri = new CriClient(_ownedChannel);
    }

    internal ImageStore(ContainerdOptions options, ICri cri, TimeProvider time) =>
        (_options, _cri, _time, _processes) = (options, cri, time, new ProcessRunner(time));

    public void Dispose() => _ownedChannel?.Dispose();

    public async Task<IReadOnlyList<LocalImage>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await _cri.ListImagesAsync(cancellationToken)).Select(i => new LocalImage(i.Id, i.RepoTags, i.RepoDigests, (long)i.Size))];

    /// <returns>False when there is no such image.</returns>
    public async Task<bool> RemoveAsync(string name, CancellationToken cancellationToken)
    {
        if (await _cri.ImageStatusAsync(name, cancellationToken) is null)
            return false;
        await _cri.RemoveImageAsync(name, cancellationToken);
        return true;
    }

    /// <summary>Imports every image of an OCI or docker archive.</summary>
    public Task ImportAsync(string archivePath, CancellationToken cancellationToken)
    {
        if (!File.Exists(archivePath))
            throw new ProcessFailedException($"there is no file {archivePath}");
        string[] arguments =
        [
            "--address", _options.SocketPath, "--namespace", ContainerdEvents.KubernetesNamespace, "images", "import",
            "--snapshotter", HostProbe.Run(_options.StateDirectory).Snapshotter, archivePath,
        ];
        return _processes.RunAsync("ctr", arguments, ImportTimeout, cancellationToken);
    }

    /// <summary>Builds a directory's Dockerfile with buildah and imports the result under <paramref name="name"/>.</summary>
    /// <param name="dockerfile">Null: <c>Dockerfile</c> (or Containerfile) of the directory.</param>
    public async Task BuildAsync(string directory, string name, string? dockerfile, Action<string>? onOutput, CancellationToken cancellationToken)
    {
        var fullName = ImageReference.Normalize(name);
        if (!Directory.Exists(directory))
            throw new ProcessFailedException($"there is no directory {directory}");
        var archive = Path.Combine(Directory.CreateDirectory(Path.Combine(_options.RootDirectory, "build")).FullName, $"{Environment.ProcessId}-{_time.GetTimestamp()}.tar");
        try
        {
            string[] storage = ["--root", Path.Combine(_options.RootDirectory, "build", "storage"), "--runroot", Path.Combine(_options.StateDirectory, "build"), "--storage-driver", BuildDriver()];
            string[] file = dockerfile is null ? [] : ["--file", dockerfile];
            await _processes.RunAsync("buildah", [.. storage, "bud", "--isolation", "chroot", "--layers", "--tag", fullName, .. BuildLimits.OfThisProcess(), .. file, directory], BuildTimeout, cancellationToken, onOutput);
            await _processes.RunAsync("buildah", [.. storage, "push", fullName, $"oci-archive:{archive}:{fullName}"], BuildTimeout, cancellationToken);
            await ImportAsync(archive, cancellationToken);
            await WaitUntilVisibleAsync(fullName, cancellationToken);
        }
        finally
        {
            File.Delete(archive);
        }
    }

    /// <summary>Makes the sandbox ("pause") image and imports it, unless it is there.</summary>
    internal async Task EnsureSandboxImageAsync(CancellationToken cancellationToken)
    {
        if (await _cri.ImageStatusAsync(ContainerdConfig.SandboxImage, cancellationToken) is not null)
            return;
        var architecture = RuntimeInformation.OSArchitecture;
        var program = PauseProgram.Build(architecture)
            ?? throw new ProcessFailedException($"this processor ({architecture}) is not supported: x86-64 and arm64 are");
        var archive = Path.Combine(_options.StateDirectory, "pause.tar");
        var bytes = OciArchive.Write(ContainerdConfig.SandboxImage, new Dictionary<string, byte[]> { ["pause"] = program }, ["/pause"], architecture);
        await File.WriteAllBytesAsync(archive, bytes, cancellationToken);
        await ImportAsync(archive, cancellationToken);
        File.Delete(archive);
        await WaitUntilVisibleAsync(ContainerdConfig.SandboxImage, cancellationToken);
    }

    // The CRI side of containerd learns of an import from an event, a moment later.
    private async Task WaitUntilVisibleAsync(string name, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        while (await _cri.ImageStatusAsync(name, cancellationToken) is null)
        {
            if (_time.GetElapsedTime(started) > VisibleTimeout)
                throw new ProcessFailedException($"containerd does not list the image {name} after its import");
            await Task.Delay(TimeSpan.FromMilliseconds(10), _time, cancellationToken);
        }
    }

    private string BuildDriver() => HostProbe.Run(_options.StateDirectory).Snapshotter == "overlayfs" ? "overlay" : "vfs";
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Timonier.Testing.Processes;

/// <summary>The real program as a process of its own, with a data directory and a port of its own, for one test class.</summary>
public sealed class TimonierServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private string[] _options = [];
    private Process? _process;

    private TimonierServer()
    {
        DataDirectory = Directory.CreateTempSubdirectory("timonier-test-").FullName;
        Port = FreePort();
    }

    public string DataDirectory { get; }
    public int Port { get; }
    public string Kubeconfig => Path.Combine(DataDirectory, "admin.kubeconfig");
    public string Log => Path.Combine(DataDirectory, "test.log");
    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("the server does not run");

    /// <summary>The program as the build of this test made it, unless TIMONIER_PROGRAM names another.</summary>
    public static string ProgramPath { get; } = System.Environment.GetEnvironmentVariable("TIMONIER_PROGRAM") is { Length: > 0 } path ? path : FindProgram();

    public static Task<TimonierServer> StartAsync(params string[] options) => StartAsync(_ => Task.FromResult(options));

    /// <param name="prepare">Gets the data directory before the first start, and gives the options.</param>
    public static async Task<TimonierServer> StartAsync(Func<string, Task<string[]>> prepare)
    {
        var server = new TimonierServer();
        try
        {
            server._options = await prepare(server.DataDirectory);
            await server.LaunchAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the process, without waiting for anything.</summary>
    public void Start()
    {
        string[] arguments = ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", Log, ProgramPath, "server", "--data-dir", DataDirectory, "--listen", $"127.0.0.1:{Port}", .. _options];
        _process?.Dispose();
        _process = Process.Start(new ProcessStartInfo("sh", arguments)) ?? throw new InvalidOperationException("sh did not start");
    }

    /// <summary>Starts the process and waits until the API says that it is ready.</summary>
    public async Task LaunchAsync()
    {
        Start();
        var started = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync())
        {
            if (_process!.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
                throw new InvalidOperationException($"the server did not become ready ({(_process.HasExited ? $"it ended with {_process.ExitCode}" : "it still runs")}):\n{await File.ReadAllTextAsync(Log)}");
            await Task.Delay(Poll, TimeProvider.System);
        }
    }

    /// <summary>kill -9, as a power loss of the process.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    public Task<ProcessResult> KubectlAsync(params string[] arguments) => KubectlAsync(arguments, null);

    /// <summary>The machine's own kubectl, with nothing of the person's configuration.</summary>
    public Task<ProcessResult> KubectlAsync(IEnumerable<string> arguments, string? input) => Run.ProgramAsync(Kubectl.Program, arguments, Environment(), input);

    public Task<ProcessResult> TimonierAsync(params string[] arguments) => Run.ProgramAsync(ProgramPath, arguments, Environment());

    public Task<ProcessResult> TimonierAsync(IEnumerable<string> arguments, string? input) => Run.ProgramAsync(ProgramPath, arguments, Environment(), input);

    private Dictionary<string, string> Environment() => new() { ["KUBECONFIG"] = Kubeconfig, ["HOME"] = DataDirectory, ["TIMONIER_DATA_DIR"] = DataDirectory };

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await Run.ProgramAsync("sh", ["-c", "kill -TERM $0", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
            }
        }
        _process?.Dispose();
        if (Directory.Exists(Path.Combine(DataDirectory, "node")))
            await Run.ProgramAsync(ProgramPath, ["down", "--data-dir", DataDirectory], Environment());
        Directory.Delete(DataDirectory, recursive: true);
    }

    private async Task<bool> IsReadyAsync()
    {
        if (!File.Exists(Kubeconfig))
            return false;
        var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(DataDirectory, "pki", "ca.crt"));
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { authority } };
        using var handler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy }, ConnectTimeout = TimeSpan.FromSeconds(1) };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(2) };
        try
        {
            return (await client.GetAsync($"https://127.0.0.1:{Port}/readyz")).IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindProgram()
    {
        var directory = AppContext.BaseDirectory;
        var configuration = directory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
        while (!File.Exists(Path.Combine(directory, "Timonier.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("Timonier.slnx is in no folder above the test");
        return Path.Combine(directory, "src/Timonier/bin", configuration, "net10.0/timonier");
    }
}

using System.Globalization;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Timonier.Api;
using Timonier.Api.Core.V1;

namespace Timonier.Kubelet.Nodes;

/// <summary>What this machine is and has, read once at start.</summary>
internal sealed record NodeFacts
{
    public required string Hostname { get; init; }

    /// <summary>IPv4 first, then IPv6 if there is one; the first is the node's InternalIP.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }
    public required int Cpus { get; init; }
    public required long MemoryBytes { get; init; }
    public required IReadOnlyDictionary<string, Quantity> Capacity { get; init; }
    public required IReadOnlyDictionary<string, Quantity> Allocatable { get; init; }
    public required NodeSystemInfo SystemInfo { get; init; }

    /// <param name="address">The node's address; null: the one that the default route leaves from, else any that is not loopback.</param>
    /// <param name="dataDirectory">Its file system counts as the node's ephemeral storage.</param>
    public static NodeFacts Read(string? address, string dataDirectory, int podsMax, string runtimeVersion, string kubeletVersion)
    {
        var memory = MemoryTotal();
        var cpus = Environment.ProcessorCount;
        var disk = new DriveInfo(dataDirectory).TotalSize;
        var capacity = new Dictionary<string, Quantity>(StringComparer.Ordinal)
        {
            ["cpu"] = new(cpus),
            ["ephemeral-storage"] = FromKibibytes(disk),
            ["memory"] = FromKibibytes(memory),
            ["pods"] = new(podsMax),
        };
        foreach (var directory in Directory.Exists("/sys/kernel/mm/hugepages") ? Directory.GetDirectories("/sys/kernel/mm/hugepages") : [])
            AddHugePages(directory, capacity);
        return new NodeFacts
        {
            Hostname = Environment.MachineName.ToLowerInvariant(),
            Addresses = address is not null ? [address] : FindAddresses(),
            Cpus = cpus,
            MemoryBytes = memory,
            Capacity = capacity,
            // Nothing is reserved but what upstream's default hard eviction thresholds keep: 100 MiB of memory and a tenth of the disk.
            Allocatable = new Dictionary<string, Quantity>(capacity, StringComparer.Ordinal)
            {
                ["memory"] = FromKibibytes(memory - 100 * 1024 * 1024),
                ["ephemeral-storage"] = new(disk / 10 * 9),
            },
            SystemInfo = ReadSystem(runtimeVersion, kubeletVersion),
        };
    }

    private static Quantity FromKibibytes(long bytes) => Quantity.Parse(string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024}Ki"));

    // A directory's name is hugepages-2048kB.
    private static void AddHugePages(string directory, Dictionary<string, Quantity> capacity)
    {
        var size = Path.GetFileName(directory)["hugepages-".Length..].Replace("kB", "", StringComparison.Ordinal);
        if (!long.TryParse(size, CultureInfo.InvariantCulture, out var kibibytes))
            return;
        var count = long.Parse(File.ReadAllText(Path.Combine(directory, "nr_hugepages")), CultureInfo.InvariantCulture);
        capacity[$"hugepages-{Quantity.FromBytes(kibibytes * 1024)}"] = Quantity.FromBytes(count * kibibytes * 1024);
    }

    private static long MemoryTotal()
    {
        var line = File.ReadLines("/proc/meminfo").First(l => l.StartsWith("MemTotal:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private static IReadOnlyList<string> FindAddresses()
    {
        // Connecting a datagram socket sends nothing; it only asks the kernel which address a packet would leave from.
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect("192.0.2.1", 9);
            if (socket.LocalEndPoint is System.Net.IPEndPoint { Address: var found } && !System.Net.IPAddress.IsLoopback(found))
                return [found.ToString()];
        }
        catch (SocketException)
        {
            // No route to the outside: any other address will do.
        }
        var any = NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus == OperationalStatus.Up && i.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .FirstOrDefault(a => a.Address.AddressFamily == AddressFamily.InterNetwork);
        return [any?.Address.ToString() ?? "127.0.0.1"];
    }

    private static NodeSystemInfo ReadSystem(string runtimeVersion, string kubeletVersion) => new()
    {
        MachineID = ReadLine("/etc/machine-id"),
        SystemUUID = ReadLine("/sys/class/dmi/id/product_uuid") is { Length: > 0 } uuid ? uuid : ReadLine("/etc/machine-id"),
        BootID = ReadLine("/proc/sys/kernel/random/boot_id"),
        KernelVersion = ReadLine("/proc/sys/kernel/osrelease"),
        OsImage = OsName(),
        ContainerRuntimeVersion = runtimeVersion,
        KubeletVersion = kubeletVersion,
        OperatingSystem = "linux",
        Architecture = RuntimeInformation.OSArchitecture switch { Architecture.X64 => "amd64", Architecture.Arm64 => "arm64", var other => other.ToString().ToLowerInvariant() },
    };

    private static string OsName()
    {
        var line = File.Exists("/etc/os-release") ? File.ReadLines("/etc/os-release").FirstOrDefault(l => l.StartsWith("PRETTY_NAME=", StringComparison.Ordinal)) : null;
        return line?["PRETTY_NAME=".Length..].Trim('"') ?? "Linux";
    }

    private static string ReadLine(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

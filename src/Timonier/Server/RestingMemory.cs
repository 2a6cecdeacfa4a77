using System.Globalization;
using System.Runtime.InteropServices;

namespace Timonier.Server;

/// <summary>
/// Gives memory back when the server is at rest: the start, or a burst of requests, left garbage, and at rest there is too little new
/// garbage for a collection of its own to come. A busy server is left alone: the collection would cost it a pause.
/// </summary>
public static partial class RestingMemory
{
    // What a server at rest allocates between two looks, and what is worth a collection of some tens of milliseconds.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private const long RestBytesMax = 10 << 20, GarbageBytesMin = 24 << 20;

    private const int DontNeed = 4; // MADV_DONTNEED

    public static async Task RunAsync(TimeProvider time, CancellationToken cancel)
    {
        await Task.Delay(Pause, time, cancel);
        // The start is over, and most of its code with it; what goes on being used comes back at once.
        ReleaseFilePages();
        long seen = GC.GetTotalAllocatedBytes(), collected = 0;
        while (!cancel.IsCancellationRequested)
        {
            await Task.Delay(Pause, time, cancel);
            var allocated = GC.GetTotalAllocatedBytes();
            var atRest = allocated - seen < RestBytesMax;
            seen = allocated;
            if (!atRest || allocated - collected < GarbageBytesMin)
                continue;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _ = TrimNativeHeap(0);
            ReleaseFilePages();
            collected = allocated;
        }
    }

    /// <summary>
    /// Unmaps the pages of program files that nothing was written to: they are in the kernel's page cache, which keeps them as it keeps any
    /// file, and the next use of one maps it again (some 0.5 µs for sixteen of them).
    /// </summary>
    /// <returns>The bytes that were mapped in the ranges let go of.</returns>
    public static long ReleaseFilePages()
    {
        long released = 0;
        foreach (var (start, length, resident) in UnwrittenFileRanges(File.ReadLines("/proc/self/smaps")))
            if (Advise(start, length, DontNeed) == 0)
                released += resident;
        return released;
    }

    /// <summary>Ranges of files that can't be written through and have no page of their own: where a page was changed, unmapping would undo the change.</summary>
    /// <param name="lines">As proc(5) has them in smaps.</param>
    internal static IEnumerable<(nint Start, nuint Length, long Resident)> UnwrittenFileRanges(IEnumerable<string> lines)
    {
        (nint Start, nuint Length, long Resident)? range = null;
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 5 && words[0].Split('-') is [var from, var to])
            {
                // Address, permissions, offset, device, inode, path: shared memory and what has no file is left alone.
                var isFile = words.Length > 5 && words[4] != "0" && words[5].StartsWith('/') && !words[5].StartsWith("/memfd:", StringComparison.Ordinal) && words[1] is "r--p" or "r-xp";
                var start = nint.Parse(from, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                range = isFile ? (start, (nuint)(nint.Parse(to, NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start), 0) : null;
            }
            else if (range is { } known && words.Length == 3)
            {
                var kilobytes = long.Parse(words[1], CultureInfo.InvariantCulture);
                if (words[0] == "Rss:")
                    range = known with { Resident = kilobytes * 1024 };
                else if (words[0] is "Anonymous:" && kilobytes == 0 && known.Resident > 0)
                    yield return known;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    /// <summary>glibc's heap, where TLS and SQLite have their memory: free pages go back to the system.</summary>
    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimNativeHeap(nuint keep);
}

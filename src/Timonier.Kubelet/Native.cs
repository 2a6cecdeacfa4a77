using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Timonier.Kubelet;

/// <summary>mount(2) flags, by the numbers of linux/mount.h.</summary>
[Flags]
internal enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDev = 4,
    NoExec = 8,
    Remount = 32,
    Bind = 4096,
    Recursive = 16384,
    Private = 1 << 18,
    Slave = 1 << 19,
    Shared = 1 << 20,
}

/// <summary>The system calls that the framework has no name for. Each turns errno into an <see cref="IOException"/> that says what was tried.</summary>
internal static partial class Native
{
    private const int ENoEntry = 2; // ENOENT
    private const int EnoProcess = 3; // ESRCH
    private const int EInvalid = 22; // EINVAL: not a mount point
    private const int DetachMount = 2; // MNT_DETACH (umount2(2))
    private const int StatBlockSize = 512; // stx_blocks counts these, whatever the file system's own (statx(2))

    public static void Mount(string source, string target, string type, MountFlags flags, string? data)
    {
        if (MountCall(source, target, type, (ulong)flags, data) != 0)
            throw Failed($"mount {type} {source} on {target}");
    }

    /// <summary>Also when the mount is busy (it goes when its last user does). Nothing happens when nothing is mounted there.</summary>
    public static void Unmount(string target)
    {
        if (UnmountCall(target, DetachMount) != 0 && Marshal.GetLastPInvokeError() is not (EInvalid or ENoEntry))
            throw Failed($"unmount {target}");
    }

    /// <summary>rmdir(2), as cgroups want it: the framework would first delete the files inside, which a cgroup does not let it. False when it is in use.</summary>
    public static bool RemoveDirectory(string path) => RemoveDirectoryCall(path) == 0;

    /// <summary>rename(2): replaces what stands there, at once for every reader. The framework refuses links to directories.</summary>
    public static void Rename(string from, string to)
    {
        if (RenameCall(from, to) != 0)
            throw Failed($"rename {from} to {to}");
    }

    /// <summary>Follows no symbolic link. -1 leaves that id as it is.</summary>
    public static void ChangeOwner(string path, int user, int group)
    {
        if (ChangeOwnerCall(path, user, group) != 0)
            throw Failed($"change owner of {path}");
    }

    /// <returns>st_mode of what a path leads to, through links; 0 when nothing is there (inode(7)).</returns>
    public static int FileMode(string path) => Stat(path).Mode;

    /// <returns>The number of the file that a path leads to; 0 when nothing is there.</returns>
    public static ulong FileNumber(string path) => Stat(path).Number;

    private static (int Mode, ulong Number, long Blocks) Stat(string path)
    {
        const int currentDirectory = -100, wanted = 0x1 | 0x2 | 0x100 | 0x400; // AT_FDCWD; STATX_TYPE, STATX_MODE, STATX_INO, STATX_BLOCKS
        const int bufferSize = 256, modeOffset = 28, numberOffset = 32, blocksOffset = 48; // struct statx: stx_mode, stx_ino, stx_blocks
        Span<byte> buffer = stackalloc byte[bufferSize];
        if (StatCall(currentDirectory, path, 0, wanted, ref MemoryMarshal.GetReference(buffer)) != 0)
            return default;
        return (BinaryPrimitives.ReadUInt16LittleEndian(buffer[modeOffset..]), BinaryPrimitives.ReadUInt64LittleEndian(buffer[numberOffset..]), BinaryPrimitives.ReadInt64LittleEndian(buffer[blocksOffset..]));
    }

    /// <returns>Bytes that a file takes on disk, which is less than its length where it has holes; 0 when it is gone.</returns>
    public static long DiskBytes(string path) => Stat(path).Blocks * StatBlockSize;

    /// <summary>statvfs(3). Available: to anyone but root.</summary>
    public static (long Bytes, long BytesAvailable, long Inodes, long InodesFree) FileSystem(string path)
    {
        // struct statvfs of 64-bit glibc and musl: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, ... eight bytes each.
        Span<long> buffer = stackalloc long[16];
        if (StatFileSystemCall(path, ref MemoryMarshal.GetReference(buffer)) != 0)
            throw Failed($"read the file system of {path}");
        var blockSize = buffer[1];
        return (buffer[2] * blockSize, buffer[4] * blockSize, buffer[5], buffer[6]);
    }

    /// <returns>False when there is no such process. Signal 0 only asks.</returns>
    public static bool Kill(int processId, int signal)
    {
        if (KillCall(processId, signal) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == EnoProcess ? false : throw Failed($"send signal {signal} to process {processId}");
    }

    private static IOException Failed(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MountCall(string source, string target, string type, ulong flags, string? data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnmountCall(string target, int flags);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwnerCall(string path, int user, int group);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatCall(int directory, string path, int flags, uint mask, ref byte buffer);

    [LibraryImport("libc", EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFileSystemCall(string path, ref long buffer);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveDirectoryCall(string path);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCall(string from, string to);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillCall(int processId, int signal);
}

using System.Runtime.InteropServices;

namespace Timonier.Cli.Streams;

/// <summary>
/// The terminal that is our standard input, by the C library (termios(3), ioctl_tty(2)). NOTE: neither Console's members nor a child that runs stty: the first
/// write a sequence that changes what the arrow keys send, and after a child the framework puts back the settings that it saw first.
/// </summary>
internal static partial class NativeTerminal
{
    private const int StandardInput = 0;
    private const int Now = 0; // TCSANOW

    /// <summary>TIOCGWINSZ of Linux, on x86 and on ARM.</summary>
    private const nuint GetWindowSize = 0x5413;

    /// <summary>struct termios has 60 bytes with glibc and musl; what is in it is the library's.</summary>
    private const int SettingsBytes = 128;

    /// <summary>Null: it is no terminal.</summary>
    public static byte[]? Settings()
    {
        var settings = new byte[SettingsBytes];
        return tcgetattr(StandardInput, settings) == 0 ? settings : null;
    }

    public static void Restore(byte[] settings) => tcsetattr(StandardInput, Now, settings);

    /// <summary>Every key is passed on as it is pressed, and nothing is echoed.</summary>
    public static void MakeRaw(byte[] settings)
    {
        var raw = settings.ToArray();
        cfmakeraw(raw);
        tcsetattr(StandardInput, Now, raw);
    }

    /// <summary>Null: it is no terminal, or has no size.</summary>
    public static (int Columns, int Rows)? Size()
    {
        var size = new ushort[4];
        return ioctl(StandardInput, GetWindowSize, size) == 0 && size[0] > 0 && size[1] > 0 ? (size[1], size[0]) : null;
    }

    [LibraryImport("libc")]
    private static partial int tcgetattr(int descriptor, [Out] byte[] settings);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int descriptor, int when, byte[] settings);

    [LibraryImport("libc")]
    private static partial void cfmakeraw([In, Out] byte[] settings);

    [LibraryImport("libc")]
    private static partial int ioctl(int descriptor, nuint request, [In, Out] ushort[] size);
}

using Timonier.ApiServer.Admission;
using Timonier.Commands;

namespace Timonier.Server;

/// <summary>Which steps admission takes and how they are configured, as the flags say.</summary>
internal static class AdmissionFlags
{
    private const string File = "admission-control-config-file";

    /// <exception cref="CommandException">A name that is unknown, or in both flags.</exception>
    public static AdmissionPlugins Plugins(AccessFlags flags)
    {
        try
        {
            return AdmissionPlugins.Parse(flags.Texts("enable-admission-plugins"), flags.Texts("disable-admission-plugins"));
        }
        catch (FormatException e)
        {
            throw new CommandException(e.Message, e);
        }
    }

    /// <exception cref="CommandException">The file, or one that it names, can't be read or is wrong.</exception>
    public static AdmissionConfiguration Configuration(AccessFlags flags)
    {
        if (flags.FileText(File) is not { } text)
            return new();
        try
        {
            // Other files are named from where this one lies.
            var directory = Path.GetDirectoryName(Path.GetFullPath(flags.Text(File)!))!;
            return AdmissionConfiguration.Parse(text, path => System.IO.File.ReadAllText(Path.Combine(directory, path)));
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--{File}: {e.Message}", e);
        }
    }
}

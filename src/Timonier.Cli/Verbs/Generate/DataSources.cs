using System.Text;
using System.Text.Unicode;

namespace Timonier.Cli.Verbs;

/// <summary>Where the data of ConfigMaps and Secrets comes from: literals, files, directories, env files. In kubectl create and in kustomizations.</summary>
internal static class DataSources
{
    public static IEnumerable<(string Key, byte[] Value)> Read(IEnumerable<string> literals, IEnumerable<string> files, IEnumerable<string> envFiles, string directory)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in literals.Select(Literal).Concat(files.SelectMany(f => Files(f, directory))).Concat(envFiles.SelectMany(f => EnvFile(Path.Combine(directory, f)))))
        {
            if (!seen.Add(key))
                throw new CliException($"cannot add key \"{key}\", another key by that name already exists in Data");
            yield return (key, value);
        }
    }

    public static bool IsText(byte[] value) => Utf8.IsValid(value);

    private static (string, byte[]) Literal(string text)
    {
        var equals = text.IndexOf('=');
        if (equals <= 0)
            throw new CliException($"invalid literal source {text}, expected key=value");
        var value = text[(equals + 1)..];
        // Quotes that a shell would take off are taken off.
        if (value.Length > 1 && value[0] == value[^1] && value[0] is '"' or '\'')
            value = value[1..^1];
        return (text[..equals], Encoding.UTF8.GetBytes(value));
    }

    private static IEnumerable<(string, byte[])> Files(string text, string directory)
    {
        var equals = text.IndexOf('=');
        var path = Path.Combine(directory, equals < 0 ? text : text[(equals + 1)..]);
        if (File.Exists(path))
            return [(equals < 0 ? Path.GetFileName(path) : text[..equals], File.ReadAllBytes(path))];
        if (Directory.Exists(path) && equals < 0)
            return Directory.EnumerateFiles(path).Order(StringComparer.Ordinal).Select(f => (Path.GetFileName(f), File.ReadAllBytes(f)));
        throw new CliException($"error reading {(equals < 0 ? text : text[(equals + 1)..])}: no such file or directory");
    }

    private static IEnumerable<(string, byte[])> EnvFile(string path)
    {
        if (!File.Exists(path))
            throw new CliException($"open {path}: no such file or directory");
        foreach (var line in File.ReadLines(path))
        {
            var text = line.TrimStart();
            if (text.Length == 0 || text[0] == '#')
                continue;
            var equals = text.IndexOf('=');
            yield return equals < 0 ? (text, []) : (text[..equals], Encoding.UTF8.GetBytes(text[(equals + 1)..]));
        }
    }
}

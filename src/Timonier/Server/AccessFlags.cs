namespace Timonier.Server;

/// <summary>kube-apiserver's own flags about who may come in and what is recorded and encrypted: the same names, the same meaning.</summary>
/// <param name="Values">By name, without dashes; only those that were given.</param>
public sealed record AccessFlags(IReadOnlyDictionary<string, IReadOnlyList<string>> Values)
{
    public static readonly AccessFlags None = new(new Dictionary<string, IReadOnlyList<string>>());

    /// <summary>Every flag, with what its help says.</summary>
    public static readonly IReadOnlyList<(string Name, string Description)> Known =
    [
        ("audit-policy-file", "File with the audit policy (audit.k8s.io/v1 Policy)"),
        ("audit-log-path", "File that takes audit events, one JSON object a line; - is standard output"),
        ("audit-log-maxage", "Days that files set aside are kept; 0: for ever"),
        ("audit-log-maxbackup", "How many files set aside are kept; 0: all"),
        ("audit-log-maxsize", "Megabytes at which the file is set aside; 0: never"),
        ("encryption-provider-config", "File that says which resources are encrypted on disk, and how (EncryptionConfiguration); without it Secrets are, with a key made in the data directory"),
    ];

    /// <summary>Null when it was not given.</summary>
    public string? Text(string name) => Values.TryGetValue(name, out var values) ? values[^1] : null;

    public IReadOnlyList<string> Texts(string name) => Values.GetValueOrDefault(name, []);

    /// <exception cref="Commands.CommandException">The value is no whole number of zero or more.</exception>
    public int Number(string name, int whenAbsent) => Text(name) is not { } text ? whenAbsent
        : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number
        : throw new Commands.CommandException($"--{name} {text}: a number is wanted");

    /// <summary>The text of the file that a flag names; null when it was not given.</summary>
    /// <exception cref="Commands.CommandException">The file can't be read.</exception>
    public string? FileText(string name)
    {
        if (Text(name) is not { Length: > 0 } path)
            return null;
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Commands.CommandException($"--{name} {path}: {e.Message}", e);
        }
    }

    /// <summary>The flags again, for the server that "up" starts.</summary>
    public IEnumerable<string> ToArguments() => Values.SelectMany(v => v.Value.SelectMany(value => (string[])["--" + v.Key, value]));
}

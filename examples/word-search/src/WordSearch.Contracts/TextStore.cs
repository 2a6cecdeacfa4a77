namespace WordSearch;

/// <summary>Stored texts: files of a folder, by a name of small letters, digits and dashes.</summary>
public sealed class TextStore(string directory)
{
    public const int TextBytesMax = 4 << 20;
    private const int NameCharsMax = 63;

    public static bool IsName(string name) =>
        name.Length is > 0 and <= NameCharsMax && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Null when there is no such text.</summary>
    public async Task<string?> ReadAsync(string name, CancellationToken cancellation) =>
        IsName(name) && File.Exists(PathOf(name)) ? await File.ReadAllTextAsync(PathOf(name), cancellation) : null;

    /// <summary>Whole or not at all: workers may read at the same moment.</summary>
    public async Task WriteAsync(string name, Stream text, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory);
        var draft = PathOf($".{name}-{Path.GetRandomFileName()}");
        await using (var file = File.Create(draft))
            await text.CopyToAsync(file, cancellation);
        File.Move(draft, PathOf(name), overwrite: true);
    }

    public IReadOnlyList<string> Names() => Directory.Exists(directory)
        ? [.. Directory.EnumerateFiles(directory, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Where(IsName).Order(StringComparer.Ordinal)]
        : [];

    private string PathOf(string name) => Path.Combine(directory, name + ".txt");
}

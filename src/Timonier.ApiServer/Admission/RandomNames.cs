namespace Timonier.ApiServer.Admission;

/// <summary>The five characters behind a generated name. Thread-safe, which a seeded Random is not.</summary>
public sealed class RandomNames(Random random)
{
    // Upstream's alphabet: no vowels and no characters that look alike, so that no words come out.
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    public string Suffix()
    {
        lock (random)
            return string.Create(5, random, static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] = Alphabet[source.Next(Alphabet.Length)];
            });
    }
}

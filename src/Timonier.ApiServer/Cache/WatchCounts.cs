namespace Timonier.ApiServer.Cache;

/// <summary>How many watches of a resource are open, by what they watch: all, a namespace, one name. Thread-safe.</summary>
internal sealed class WatchCounts
{
    private readonly Dictionary<(string Namespace, string Name), int> _counts = [];

    /// <summary>How many see a change of this object; the name is empty where it is not yet known.</summary>
    public int Of(string @namespace, string name)
    {
        lock (_counts)
        {
            var sum = _counts.GetValueOrDefault(("", ""));
            if (@namespace.Length > 0)
                sum += _counts.GetValueOrDefault((@namespace, ""));
            return name.Length > 0 ? sum + _counts.GetValueOrDefault((@namespace, name)) : sum;
        }
    }

    /// <summary>Counts one watch until the result is disposed.</summary>
    /// <param name="namespace">Empty: of all.</param>
    /// <param name="name">Empty: of all.</param>
    public IDisposable Count(string @namespace, string name)
    {
        Add((@namespace, name), 1);
        return new Counted(this, (@namespace, name));
    }

    private void Add((string, string) what, int by)
    {
        lock (_counts)
        {
            var now = _counts.GetValueOrDefault(what) + by;
            if (now == 0)
                _counts.Remove(what);
            else
                _counts[what] = now;
        }
    }

    private sealed class Counted(WatchCounts counts, (string, string) what) : IDisposable
    {
        public void Dispose() => counts.Add(what, -1);
    }
}

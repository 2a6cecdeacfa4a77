using System.Globalization;
using System.Text;

namespace Timonier.Api.Json;

/// <summary>A path into a tree while it is walked, written as upstream writes field paths: spec.containers[0].name.</summary>
public sealed class JsonPath
{
    private readonly List<string> _steps = [];

    public int Depth => _steps.Count;

    public void PushKey(string key) => _steps.Add(_steps.Count == 0 ? key : "." + key);

    public void PushIndex(int index) => _steps.Add("[" + index.ToString(CultureInfo.InvariantCulture) + "]");

    /// <summary>A step into a map by a key that is data: metadata.labels[app].</summary>
    public void PushMapKey(string key) => _steps.Add("[" + key + "]");

    public void Pop() => _steps.RemoveAt(_steps.Count - 1);

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var step in _steps)
            text.Append(step);
        return text.ToString();
    }
}

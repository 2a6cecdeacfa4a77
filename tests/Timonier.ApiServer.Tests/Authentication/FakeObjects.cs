using Timonier.Api.Kinds;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Tests.Authentication;

/// <summary>Objects by hand.</summary>
internal sealed class FakeObjects : IObjectReader
{
    private readonly List<IKind> _objects = [];

    public FakeObjects(params IEnumerable<IKind> objects) => _objects.AddRange(objects);

    public void Add(IKind obj) => _objects.Add(obj);

    public void Remove(IKind obj) => _objects.Remove(obj);

    public T? Get<T>(string @namespace, string name) where T : class, IKind<T> =>
        List<T>(@namespace).FirstOrDefault(o => ((IKind)o).Metadata.Name == name);

    public IEnumerable<T> List<T>(string? @namespace = null) where T : class, IKind<T> =>
        _objects.OfType<T>().Where(o => @namespace is null || ((IKind)o).Metadata.Namespace == @namespace);
}

internal sealed class FakeTime(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;
}

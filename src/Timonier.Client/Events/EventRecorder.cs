using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;

namespace Timonier.Client;

/// <summary>Says what happened to an object, for people to read in describe and get events. Never waits, never throws.</summary>
public sealed class EventRecorder
{
    public const string Normal = "Normal";
    public const string Warning = "Warning";

    private readonly EventBroadcaster _broadcaster;
    private readonly TimeProvider _time;
    private readonly EventSource _source;

    internal EventRecorder(EventBroadcaster broadcaster, TimeProvider time, EventSource source) => (_broadcaster, _time, _source) = (broadcaster, time, source);

    /// <param name="type"><see cref="Normal"/> or <see cref="Warning"/>.</param>
    /// <param name="reason">In UpperCamelCase, for machines.</param>
    /// <param name="message">For people.</param>
    public void Event<T>(T about, string type, string reason, string message) where T : class, IKind<T> =>
        Event(ReferenceTo(about), type, reason, message);

    /// <param name="about">What it happened to; its fieldPath may name a container.</param>
    public void Event(ObjectReference about, string type, string reason, string message)
    {
        var now = _time.GetUtcNow();
        // The events of an object without namespace are in "default".
        var home = about.Namespace.Length == 0 ? "default" : about.Namespace;
        _broadcaster.Enqueue(new Event
        {
            Metadata = new() { Namespace = home, Name = $"{about.Name}.{_broadcaster.NextStamp():x}" },
            InvolvedObject = about, Type = type, Reason = reason, Message = message, Source = _source, Count = 1,
            FirstTimestamp = now, LastTimestamp = now, ReportingComponent = _source.Component, ReportingInstance = _source.Host,
        });
    }

    public static ObjectReference ReferenceTo<T>(T value, string fieldPath = "") where T : class, IKind<T> => new()
    {
        Kind = T.KindName, ApiVersion = T.ApiVersion, Namespace = value.Metadata.Namespace, Name = value.Metadata.Name,
        Uid = value.Metadata.Uid, ResourceVersion = value.Metadata.ResourceVersion, FieldPath = fieldPath,
    };
}

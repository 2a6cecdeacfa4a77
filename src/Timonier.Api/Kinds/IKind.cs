using System.Text.Json;
using Timonier.Api.Meta.V1;
using Timonier.Api.Schema;

namespace Timonier.Api.Kinds;

/// <summary>A type of the API that reads and writes itself as UTF-8 JSON. Generated; see docs/schema.md.</summary>
public interface IJsonType<TSelf> where TSelf : IJsonType<TSelf>
{
    /// <summary>Reads from the reader's current token, which is the value's first, and leaves the reader on its last.</summary>
    /// <exception cref="JsonException">A value is of another JSON type than the schema says.</exception>
    static abstract TSelf Read(ref Utf8JsonReader reader);

    void Write(Utf8JsonWriter writer);
}

/// <summary>A root object of any kind.</summary>
public interface IKind
{
    ObjectMeta Metadata { get; }

    void Write(Utf8JsonWriter writer);
}

/// <summary>A root object that is a resource of its own: what the client, informers and control loops work on.</summary>
public interface IKind<TSelf> : IKind, IJsonType<TSelf> where TSelf : class, IKind<TSelf>
{
    static abstract string ApiVersion { get; }
    static abstract string KindName { get; }
    static abstract GroupVersionResource Resource { get; }
    static abstract bool Namespaced { get; }

    new ObjectMeta Metadata { get; init; }

    TSelf WithMetadata(ObjectMeta metadata);

    ObjectMeta IKind.Metadata => Metadata;

    void IKind.Write(Utf8JsonWriter writer) => ((IJsonType<TSelf>)this).Write(writer);
}

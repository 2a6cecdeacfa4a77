using System.Net;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Tests.Strategies;

/// <summary>The newest state as a list of objects.</summary>
internal sealed class TestReader(params IKind[] objects) : IObjectReader
{
    public List<IKind> Objects { get; } = [.. objects];

    public T? Get<T>(string @namespace, string name) where T : class, IKind<T> =>
        List<T>(@namespace.Length == 0 ? null : @namespace).FirstOrDefault(o => o.Metadata.Name == name);

    public IEnumerable<T> List<T>(string? @namespace = null) where T : class, IKind<T> =>
        Objects.OfType<T>().Where(o => @namespace is null || ((IKind)o).Metadata.Namespace == @namespace);
}

internal static class Given
{
    public static readonly ApiSchema Schema = new();

    public static IReadOnlyDictionary<string, Strategy> Strategies(TestReader reader, ServiceNetwork? network = null) =>
        StrategyTable.Create(Schema, network ?? new ServiceNetwork(IPNetwork.Parse("10.96.0.0/16"), new Random(1)), reader);

    public static AdmissionChain Chain(TestReader reader, string enabled = "", string disabled = "", string? configuration = null, TimeProvider? time = null) => AdmissionChain.Create(new AdmissionOptions
    {
        Reader = reader, Random = new Random(1), Authorizer = new MastersAuthorizer(), Client = () => throw new InvalidOperationException("nothing is written here"), Time = time ?? TimeProvider.System,
        Plugins = AdmissionPlugins.Parse([enabled], [disabled]), Configuration = configuration is null ? new() : AdmissionConfiguration.Parse(configuration, path => throw new FormatException(path)),
    });

    public static JsonMap Json(string text) => JsonParser.ParseMap(Encoding.UTF8.GetBytes(text));

    public static T Object<T>(string text) where T : class, IKind<T> => JsonWrite.FromBytes<T>(Encoding.UTF8.GetBytes(text));

    public static ResourceSchema Resource(string groupResource) =>
        Schema.Resources.First(r => r.GroupResource == groupResource && (r.StorageVersion is null || r.StorageVersion == r.GroupVersion));

    public static RequestScope Scope(string groupResource, string verb = "create", string subresource = "", string name = "x", string @namespace = "ns") => new()
    {
        User = new UserInfo("alice", ["system:authenticated"]), Resource = Resource(groupResource), Verb = verb, Subresource = subresource, Name = name, Namespace = @namespace,
        Now = DateTimeOffset.UnixEpoch,
    };

    public static string Text(object? tree) => Encoding.UTF8.GetString(JsonEncoder.Encode(tree));

    public static string Lines(FieldErrors errors) => string.Join('\n', errors.Errors.Select(e => e.ToString()));

    /// <summary>Same JSON, whatever the order of keys.</summary>
    public static void AssertSame(string expected, object? actual) =>
        Assert.True(JsonTree.DeepEquals(JsonParser.Parse(Encoding.UTF8.GetBytes(expected)), actual), $"expected {expected}\nactual   {Text(actual)}");
}

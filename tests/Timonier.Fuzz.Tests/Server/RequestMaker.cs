using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;
using Timonier.Api.Yaml;
using Timonier.Fuzz.Tests.Engine;
using Timonier.Fuzz.Tests.Targets;

namespace Timonier.Fuzz.Tests.Server;

internal sealed record FuzzRequest(string Method, string PathAndQuery, string Accept, string ContentType, byte[]? Body)
{
    public override string ToString()
    {
        var body = Body is null ? "" : Encoding.UTF8.GetString(Body);
        return $"{Method} {PathAndQuery} (Accept {Accept}; {ContentType}) {(body.Length <= 1500 ? body : body[..1000] + " ... " + body[^300..])}";
    }
}

/// <summary>Requests by chance for all that is served: most of them almost right.</summary>
internal sealed class RequestMaker(Random random)
{
    private static readonly ResourceSchema[] Resources = [.. Corpus.Schema.Resources.Where(one => one.Type.IsKind)];

    /// <summary>What is written of these would refuse or misroute all other requests, as it should: never for good.</summary>
    private static readonly string[] DryGroups = ["admissionregistration.k8s.io", "apiregistration.k8s.io", "flowcontrol.apiserver.k8s.io"];

    private static readonly string[] Names = ["a", "a", "a", "a", "a", "a", "a", "a", "b", "b", "b", "b", "c", "b", "c", "a", "b", "kubernetes", "default", "A", "a b", "..", ".", "%00", "%2e%2e", "a%2fb", "%ff%fe", new('x', 300), "a:b", "é", "-", "*"];

    private static readonly string[] Namespaces = ["default", "default", "default", "fuzz", "fuzz", "fuzz", "fuzz", "kube-system", "nope", "", "%20"];

    private static readonly (string Key, string[] Values)[] Options =
    [
        ("labelSelector", ["a=b", "a in (b,c),!d", "a>1", "((", "a=b=c", "%ff", "a notin ()"]), ("fieldSelector", ["metadata.name=a", "metadata.namespace!=b", "spec.nope=1", "=", "a=\\", "status.phase=Running"]),
        ("limit", ["1", "0", "-1", "9223372036854775807", "x", "1e3"]), ("continue", ["", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vLi4vIn0", "????", "e30"]),
        ("resourceVersion", ["0", "1", "5", "-1", "999999999", "9223372036854775808", "x"]), ("resourceVersionMatch", ["Exact", "NotOlderThan", "Nope"]), ("watch", ["1", "true", "false", "x"]), ("allowWatchBookmarks", ["true", "x"]),
        ("sendInitialEvents", ["true", "false"]), ("dryRun", ["All", "All", "None", ""]), ("fieldValidation", ["Strict", "Warn", "Ignore", "x"]), ("fieldManager", ["m", new('x', 200), "a b", "%00"]), ("force", ["true", "x"]),
        ("propagationPolicy", ["Orphan", "Foreground", "Background", "x"]), ("gracePeriodSeconds", ["0", "-5", "x", "99999999999999999999"]), ("orphanDependents", ["true"]), ("pretty", ["true"]), ("timeout", ["1s", "-1s", "x", "1ns"]),
        ("timeoutSeconds", ["1", "0", "x"]), ("container", ["a", ""]), ("tailLines", ["-1", "1"]), ("command", ["sh"]), ("stdout", ["true"]), ("%", ["%"]), ("ports", ["80"]), ("path", ["/x"]), ("includeObject", ["None", "Metadata", "Object", "x"]),
    ];

    private static readonly string[] Accepts =
    [
        .. Enumerable.Repeat("application/json", 12), "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "application/vnd.kubernetes.protobuf;stream=watch", "text/html", "*/*", "a/b;c", "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ];

    private static readonly string[] OtherPaths =
        ["/", "/api", "/apis", "/apis/apps", "/apis/nope", "/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/version", "/healthz", "/livez?verbose", "/readyz/ping", "/metrics", "/logs", "/debug/pprof", "/.well-known/openid-configuration", "/openid/v1/jwks", "/api/v1/watch", "/api/v1/proxy", "//", "/api/v1/namespaces/a/b/c/d/e/f/g", "/apis//v1/pods"];

    public FuzzRequest Make()
    {
        if (random.Next(25) == 0)
            return new("GET", Pick(OtherPaths) + Query(false), Pick(Accepts), "", null);
        var resource = Resources[random.Next(Resources.Length)];
        if (random.Next(3) == 0)
        {
            var common = Pick(["pods", "services", "configmaps", "deployments", "customresourcedefinitions", "jobs", "statefulsets", "nodes", "ingresses"]);
            resource = Resources.First(one => one.Plural == common);
        }
        var (name, @namespace) = (Pick(Names), Pick(Namespaces));
        var method = random.Next(30) == 0 ? Pick(["OPTIONS", "FOO", "HEAD", "TRACE"]) : Pick(["GET", "GET", "POST", "POST", "POST", "PUT", "PUT", "PATCH", "PATCH", "PATCH", "PATCH", "DELETE"]);
        var path = resource.GroupVersion.Group.Length == 0 ? $"/api/{resource.GroupVersion.Version}" : $"/apis/{resource.GroupVersion}";
        path += resource.Namespaced && random.Next(10) > 0 ? $"/namespaces/{@namespace}/{resource.Plural}" : $"/{resource.Plural}";
        if (method is "PUT" or "PATCH" || random.Next(method == "POST" ? 12 : 2) == 0)
            path += "/" + name;
        if (random.Next(8) == 0)
            path += "/" + (resource.Subresources.Count > 0 && random.Next(4) > 0 ? resource.Subresources[random.Next(resource.Subresources.Count)].Name : Pick(["status", "scale", "proxy/x", "x", "", "..", "%2f"]));
        path += Query(DryGroups.Contains(resource.GroupVersion.Group) || (method == "DELETE" && resource.Plural is "namespaces" or "customresourcedefinitions"));
        var (type, body) = method switch { "POST" or "PUT" => Body(resource, name, @namespace), "PATCH" => Patch(resource, name, @namespace), "DELETE" when random.Next(3) == 0 => DeleteBody(), _ => ("", null) };
        return new(method, path, Pick(Accepts), type, body);
    }

    private string Query(bool dry)
    {
        var query = new List<string>();
        for (var i = random.Next(3); i > 0; i--)
        {
            var (key, values) = Options[random.Next(Options.Length)];
            query.Add($"{key}={Pick(values).Replace(' ', '+').Replace("\\", "%5C", StringComparison.Ordinal)}");
        }
        // A watch without end has none: not a finding.
        query.RemoveAll(one => one == "timeoutSeconds=0");
        if (query.Any(one => one.StartsWith("watch", StringComparison.Ordinal)) && !query.Any(one => one.StartsWith("timeoutSeconds", StringComparison.Ordinal)))
            query.Add("timeoutSeconds=1");
        if (dry)
            query = [.. query.Where(one => !one.StartsWith("dryRun", StringComparison.Ordinal)), "dryRun=All"];
        return query.Count == 0 ? "" : "?" + string.Join('&', query);
    }

    private (string, byte[]?) Body(ResourceSchema resource, string name, string @namespace)
    {
        if (resource.Plural == "customresourcedefinitions" && random.Next(2) == 0)
            return ("application/json", Definition());
        var json = JsonEncoder.Encode(new ObjectMaker(random) { WrongOneIn = random.Next(3) == 0 ? 40 : 100_000 }.Make(resource, name, @namespace));
        if (random.Next(3) == 0)
            json = TreeMutator.Mutate(random, json);
        if (random.Next(30) == 0)
            json = ByteMutator.Mutate(random, json, Corpus.Texts("{", "[", "\"", "null"), () => json);
        switch (random.Next(10))
        {
            case 0: return ("application/yaml", Yaml(json));
            case < 4: return ("application/vnd.kubernetes.protobuf", Protobuf(json, resource.Type));
            case 4: return (Pick(["text/plain", "application/json; charset=utf-16", "application/cbor", "", "a"]), json);
            default: return ("application/json", json);
        }
    }

    private (string, byte[]?) Patch(ResourceSchema resource, string name, string @namespace)
    {
        var maker = new ObjectMaker(random) { WrongOneIn = 30 };
        var obj = maker.Make(resource, name, @namespace);
        if (random.Next(3) > 0)
            obj.Remove("apiVersion");
        switch (random.Next(5))
        {
            case 0:
                var operations = new JsonList(Enumerable.Range(0, random.Next(5)).Select(_ => (object?)new JsonMap
                {
                    ["op"] = Pick(["add", "remove", "replace", "move", "copy", "test", "x"]), ["path"] = Pick(["/metadata/labels", "/metadata/labels/a", "/spec", "/spec/replicas", "/metadata/finalizers/-", "/metadata/name", "", "/a/b/c", "/metadata", "/kind", "/data"]),
                    ["from"] = Pick(["/metadata", "/spec", "/metadata/labels", ""]), ["value"] = random.Next(2) == 0 ? maker.Wrong() : new JsonMap { ["a"] = "b" },
                }));
                return ("application/json-patch+json", JsonEncoder.Encode(operations));
            case 1: return ("application/merge-patch+json", TreeMutator.Mutate(random, JsonEncoder.Encode(obj)));
            case 2: return ("application/strategic-merge-patch+json", TreeMutator.Mutate(random, JsonEncoder.Encode(obj)));
            case 3: return ("application/apply-patch+yaml", TreeMutator.Mutate(random, JsonEncoder.Encode(obj)));
            default: return (Pick(["application/apply-patch+yaml", "application/apply-patch+cbor", "application/json", "x"]), Yaml(JsonEncoder.Encode(obj)));
        }
    }

    private (string, byte[]?) DeleteBody() => ("application/json", JsonEncoder.Encode(new JsonMap
    {
        ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", [Pick(["gracePeriodSeconds", "propagationPolicy", "preconditions", "dryRun", "orphanDependents", "x"])] = new ObjectMaker(random).Wrong(),
    }));

    /// <summary>A definition that is right but for its schema, which comes from what the schema fuzzer makes.</summary>
    private byte[] Definition()
    {
        var plural = Pick(["fuzzas", "fuzzbs"]);
        var seeds = PatchTargets.All.First(one => one.Name == "crd-schema").Seeds;
        var pair = TreeMutator.Mutate(random, seeds[random.Next(seeds.Count)]);
        object? schema = null;
        try
        {
            schema = JsonParser.Parse(pair) is JsonList { Count: > 0 } list ? list[0] : null;
        }
        catch (System.Text.Json.JsonException)
        {
            // Mutated into something else: a definition without.
        }
        return JsonEncoder.Encode(new JsonMap
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1", ["kind"] = "CustomResourceDefinition", ["metadata"] = new JsonMap { ["name"] = plural + ".fuzz.example.com" },
            ["spec"] = new JsonMap
            {
                ["group"] = "fuzz.example.com", ["scope"] = "Namespaced", ["names"] = new JsonMap { ["plural"] = plural, ["kind"] = char.ToUpperInvariant(plural[0]) + plural[1..] },
                ["versions"] = new JsonList
                {
                    new JsonMap
                    {
                        ["name"] = "v1", ["served"] = true, ["storage"] = true,
                        ["schema"] = new JsonMap { ["openAPIV3Schema"] = new JsonMap { ["type"] = "object", ["properties"] = new JsonMap { ["spec"] = schema } } },
                        ["additionalPrinterColumns"] = new JsonList { new JsonMap { ["name"] = "c", ["type"] = "string", ["jsonPath"] = Pick([".spec.a", ".spec..a", ".spec[?(@.a=='b')]", "[", ".spec.l[*].k", "{"]) } },
                    },
                },
            },
        });
    }

    private static byte[] Yaml(byte[] json)
    {
        try
        {
            return Encoding.UTF8.GetBytes(YamlWriter.Write(JsonParser.Parse(json)));
        }
        catch (System.Text.Json.JsonException)
        {
            return json;
        }
    }

    private byte[] Protobuf(byte[] json, TypeSchema type)
    {
        try
        {
            var message = ProtobufEncoder.EncodeObject(JsonEncoder.Encode(Normalizer.Normalize(JsonParser.ParseMap(json), type)), type);
            return random.Next(2) == 0 ? ProtobufMutator.Mutate(random, message) : message;
        }
        catch (Exception e) when (e is ApiException or System.Text.Json.JsonException or NotSupportedException)
        {
            return [.. "k8s\0"u8, .. json];
        }
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
}

using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Content;

internal enum WireForm { Json, Yaml, Protobuf }

internal enum Transform { None, Table, PartialObjectMetadata }

/// <summary>What a client wants to read: encoding, and object, table or metadata alone. From the Accept header.</summary>
internal sealed record ResponseForm(WireForm Wire, Transform Transform, bool Pretty)
{
    public const string Accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

    public static readonly ResponseForm Plain = new(WireForm.Json, Transform.None, false);

    /// <summary>The group version that a transformed answer is in.</summary>
    public string MetaVersion { get; init; } = "meta.k8s.io/v1";

    public string ContentType(bool watch) => Wire switch
    {
        WireForm.Yaml => "application/yaml",
        WireForm.Protobuf => watch ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/vnd.kubernetes.protobuf",
        _ => "application/json",
    };

    /// <summary>How a Status is written: encodings only, no transformations. Pretty JSON where the client takes nothing of ours.</summary>
    public static ResponseForm OfStatus(HttpRequest request)
    {
        var accept = request.Headers.Accept.ToString();
        if (accept.Length == 0)
            accept = "*/*";
        foreach (var clause in accept.Split(',').Select(Clause.Parse).OrderByDescending(c => c.Quality))
        {
            if (clause.Parameter("as").Length == 0 && Encoding(clause.Type) is { } wire)
                return new(wire, Transform.None, wire == WireForm.Json && WantsPretty(request));
        }
        return Plain with { Pretty = true };
    }

    private static WireForm? Encoding(string type) => type switch
    {
        "application/json" or "*/*" or "application/*" => WireForm.Json,
        "application/yaml" => WireForm.Yaml,
        "application/vnd.kubernetes.protobuf" => WireForm.Protobuf,
        _ => null,
    };

    /// <exception cref="ApiException">NotAcceptable: nothing that the client takes.</exception>
    public static ResponseForm Negotiate(ApiCall call)
    {
        var accept = call.Http.Request.Headers.Accept.ToString();
        var pretty = WantsPretty(call.Http.Request);
        if (accept is "" or "*/*" or "application/json")
            return pretty ? Plain with { Pretty = true } : Plain;
        foreach (var clause in accept.Split(',').Select(Clause.Parse).OrderByDescending(c => c.Quality))
        {
            if (Match(clause, call) is { } form)
                return form with { Pretty = pretty && form.Wire == WireForm.Json };
        }
        throw ApiException.NotAcceptable($"only the following media types are accepted: {Accepted}");
    }

    /// <summary>Upstream: asked for by the query, or by what looks like a person's tool.</summary>
    public static bool WantsPretty(HttpRequest request)
    {
        // Go's ParseBool: what is no boolean is false.
        if (request.Query["pretty"].ToString() is { Length: > 0 } pretty)
            return pretty is "1" or "t" or "T" or "true" or "TRUE" or "True";
        var agent = request.Headers.UserAgent.ToString();
        return agent.StartsWith("curl", StringComparison.Ordinal) || agent.StartsWith("Wget", StringComparison.Ordinal) || agent.StartsWith("Mozilla/5.0", StringComparison.Ordinal);
    }

    private static ResponseForm? Match(Clause clause, ApiCall call)
    {
        var encoding = Encoding(clause.Type);
        if (encoding is null || (encoding == WireForm.Yaml && call.Info.Verb == "watch"))
            return null;
        var kind = clause.Parameter("as");
        if (kind.Length == 0)
            return encoding == WireForm.Protobuf && (call.Schema.Type.NoProto || !call.Schema.IsBuiltIn()) ? null : new ResponseForm(encoding.Value, Transform.None, false);
        var collection = call.Info.Verb is "list" or "deletecollection";
        var known = clause.Parameter("g") == "meta.k8s.io" && clause.Parameter("v") is "v1" or "v1beta1";
        if (known && (kind, collection) is ("PartialObjectMetadata", true))
            throw ApiException.NotAcceptable($"you requested PartialObjectMetadata, but the requested object is a list (*core.{call.Schema.Kind}List)");
        if (known && (kind, collection) is ("PartialObjectMetadataList", false))
            throw ApiException.NotAcceptable($"you requested PartialObjectMetadataList, but the requested object is not a list (*core.{call.Schema.Kind})");
        // The answer to a review is no table.
        if ((call.Resource.Store is null && call.Info.Verb == "create") || clause.Parameter("g") != "meta.k8s.io" || clause.Parameter("v") is not ("v1" or "v1beta1") || call.Info.Verb is not ("get" or "list" or "watch" or "create" or "update" or "patch" or "delete" or "deletecollection"))
            return null;
        Transform? transform = kind switch
        {
            "Table" => Transform.Table,
            "PartialObjectMetadata" when !collection => Transform.PartialObjectMetadata,
            "PartialObjectMetadataList" when collection => Transform.PartialObjectMetadata,
            _ => null,
        };
        // NOTE: a Table has no protobuf upstream; the client's next clause is its JSON form.
        if (transform is null || (transform == Transform.Table && encoding == WireForm.Protobuf))
            return null;
        return new ResponseForm(encoding.Value, transform.Value, false) { MetaVersion = "meta.k8s.io/" + clause.Parameter("v") };
    }

    /// <summary>One media range of an Accept header with its parameters.</summary>
    private sealed record Clause(string Type, Dictionary<string, string> Parameters, double Quality)
    {
        public string Parameter(string name) => Parameters.GetValueOrDefault(name, "");

        public static Clause Parse(string text)
        {
            var parts = text.Split(';', StringSplitOptions.TrimEntries);
            var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var part in parts.Skip(1))
            {
                var equals = part.IndexOf('=', StringComparison.Ordinal);
                if (equals > 0)
                    parameters[part[..equals]] = part[(equals + 1)..].Trim('"');
            }
            var quality = parameters.TryGetValue("q", out var q) && double.TryParse(q, CultureInfo.InvariantCulture, out var value) ? value : 1;
            return new Clause(parts[0].ToLowerInvariant(), parameters, quality);
        }
    }
}

internal static class ResourceSchemaForms
{
    /// <summary>Custom resources have no protobuf, no strategic merge patch, and no types of Go's with zero values.</summary>
    public static bool IsBuiltIn(this ResourceSchema schema) => !schema.Type.Custom;
}

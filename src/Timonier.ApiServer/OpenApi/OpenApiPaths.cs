using System.Globalization;
using Timonier.Api.Json;
using Timonier.Api.Schema;

namespace Timonier.ApiServer.OpenApi;

/// <summary>The paths of a resource with their operations: what clients read to find out which patch types and parameters are known.</summary>
/// <param name="kindName">The definition's name of a kind in a group version.</param>
internal sealed class OpenApiPaths(OpenApiDialect dialect, Func<GroupVersion, string, string?> kindName)
{
    private static readonly string[] WriteParameters = ["dryRun", "fieldManager", "fieldValidation"];
    private static readonly string[] DeleteParameters = ["dryRun", "gracePeriodSeconds:integer", "ignoreStoreReadErrorWithClusterBreakingPotential:boolean", "orphanDependents:boolean", "propagationPolicy"];
    private static readonly string[] SelectParameters = ["continue", "fieldSelector", "labelSelector", "limit:integer", "resourceVersion", "resourceVersionMatch", "sendInitialEvents:boolean", "timeoutSeconds:integer"];
    private static readonly string[] ObjectTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
    private static readonly string[] CustomTypes = ["application/json", "application/yaml"];

    /// <param name="custom">A custom resource knows neither protobuf nor strategic merge.</param>
    public IEnumerable<(string Path, JsonMap Item)> Of(ResourceSchema resource, bool custom)
    {
        var version = resource.GroupVersion;
        var root = version.Group.Length == 0 ? $"/api/{version.Version}" : $"/apis/{version}";
        var collection = resource.Namespaced ? $"{root}/namespaces/{{namespace}}/{resource.Plural}" : $"{root}/{resource.Plural}";
        if (resource.Namespaced && resource.Verbs.Contains("list"))
            yield return ($"{root}/{resource.Plural}", Item(resource, "", [], custom, ("list", "get")));
        if (resource.Verbs.Any(v => v is "list" or "create" or "deletecollection"))
            yield return (collection, Item(resource, "", resource.Namespaced ? ["namespace"] : [], custom, ("list", "get"), ("create", "post"), ("deletecollection", "delete")));
        string[] named = resource.Namespaced ? ["name", "namespace"] : ["name"];
        if (resource.Verbs.Any(v => v is "get" or "update" or "patch" or "delete"))
            yield return ($"{collection}/{{name}}", Item(resource, "", named, custom, ("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete")));
        foreach (var subresource in resource.Subresources)
            yield return ($"{collection}/{{name}}/{subresource.Name}", Item(resource, subresource.Name, named, custom, ("get", "get"), ("create", "post"), ("update", "put"), ("patch", "patch"), ("delete", "delete")));
    }

    private JsonMap Item(ResourceSchema resource, string subresource, string[] pathParameters, bool custom, params (string Verb, string Method)[] operations)
    {
        var item = new JsonMap();
        var found = resource.Subresource(subresource);
        foreach (var (verb, method) in operations)
        {
            if ((found?.Verbs ?? resource.Verbs).Contains(verb))
                item[method] = Operation(resource, found, verb, forAll: pathParameters.Length == 0 && resource.Namespaced, custom);
        }
        var parameters = new JsonList();
        foreach (var name in pathParameters)
            parameters.Add(Parameter(name, "path"));
        parameters.Add(Parameter("pretty", "query"));
        item["parameters"] = parameters;
        return item;
    }

    private JsonMap Operation(ResourceSchema resource, SubresourceSchema? subresource, string verb, bool forAll, bool custom)
    {
        var body = subresource is null ? (resource.GroupVersion, resource.Kind) : (subresource.GroupVersion ?? resource.GroupVersion, subresource.Kind);
        var types = custom ? CustomTypes : ObjectTypes;
        var operation = new JsonMap
        {
            ["operationId"] = OperationId(resource, subresource, verb, forAll),
            ["tags"] = new JsonList { Identifier(resource.GroupVersion, lower: true) },
        };
        var parameters = new JsonList();
        foreach (var name in Parameters(verb))
            parameters.Add(Parameter(name, "query"));
        var bodyName = verb switch { "create" or "update" => kindName(body.Item1, body.Item2), "patch" => OpenApiNames.Patch, "delete" or "deletecollection" => kindName(new("", "v1"), "DeleteOptions"), _ => null };
        var bodyTypes = verb == "patch" ? PatchTypes(custom) : types;
        var answer = verb is "delete" or "deletecollection" ? kindName(new("", "v1"), "Status") : kindName(body.Item1, verb == "list" ? body.Item2 + "List" : body.Item2);
        if (bodyName is not null)
            AddBody(operation, parameters, bodyName, bodyTypes, required: verb is not ("delete" or "deletecollection"));
        else if (dialect == OpenApiDialect.V2)
            operation["consumes"] = new JsonList { "*/*" };
        if (parameters.Count > 0)
            operation["parameters"] = parameters;
        if (dialect == OpenApiDialect.V2)
        {
            operation["produces"] = new JsonList(types);
            operation["schemes"] = new JsonList { "https" };
        }
        var responses = new JsonMap { ["200"] = Response(answer, types) };
        if (verb is "create" or "update" or "patch")
            responses["201"] = Response(answer, types, "Created");
        if (verb is "create" or "delete")
            responses["202"] = Response(answer, types, "Accepted");
        responses["401"] = new JsonMap { ["description"] = "Unauthorized" };
        operation["responses"] = responses;
        operation["x-kubernetes-action"] = subresource is { Connect: true } ? "connect" : verb switch { "create" => "post", "update" => "put", _ => verb };
        operation[OpenApiNames.GroupVersionKind] = OpenApiNames.Kind(body.Item1, body.Item2);
        return operation;
    }

    private void AddBody(JsonMap operation, JsonList parameters, string name, string[] types, bool required)
    {
        var reference = OpenApiNames.Reference(name, dialect);
        if (dialect == OpenApiDialect.V2)
        {
            operation["consumes"] = new JsonList(types);
            var parameter = new JsonMap { ["in"] = "body", ["name"] = "body" };
            if (required)
                parameter["required"] = true;
            parameter["schema"] = reference;
            parameters.Add(parameter);
            return;
        }
        var content = new JsonMap();
        foreach (var type in types)
            content[type] = new JsonMap { ["schema"] = reference };
        var body = new JsonMap { ["content"] = content };
        if (required)
            body["required"] = true;
        operation["requestBody"] = body;
    }

    private JsonMap Response(string? name, string[] types, string description = "OK")
    {
        var response = new JsonMap { ["description"] = description };
        var schema = name is null ? new JsonMap { ["type"] = "string" } : OpenApiNames.Reference(name, dialect);
        if (dialect == OpenApiDialect.V2)
        {
            response["schema"] = schema;
            return response;
        }
        var content = new JsonMap();
        foreach (var type in types)
            content[type] = new JsonMap { ["schema"] = schema };
        response["content"] = content;
        return response;
    }

    /// <param name="name">With ":TYPE" unless it is a string.</param>
    private JsonMap Parameter(string name, string place)
    {
        var words = name.Split(':');
        var parameter = new JsonMap { ["in"] = place, ["name"] = words[0] };
        if (place == "path")
            parameter["required"] = true;
        var type = new JsonMap { ["type"] = words.Length > 1 ? words[1] : "string", ["uniqueItems"] = true };
        if (dialect == OpenApiDialect.V3)
            parameter["schema"] = type;
        else
            foreach (var (key, value) in type)
                parameter[key] = value;
        return parameter;
    }

    private static string[] Parameters(string verb) => verb switch
    {
        "create" or "update" => WriteParameters,
        "patch" => [.. WriteParameters, "force:boolean"],
        "delete" => DeleteParameters,
        "list" => ["allowWatchBookmarks:boolean", .. SelectParameters, "watch:boolean"],
        "deletecollection" => [.. SelectParameters, .. DeleteParameters],
        _ => [],
    };

    private static string[] PatchTypes(bool custom) => custom
        ? ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
        : ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

    private static string OperationId(ResourceSchema resource, SubresourceSchema? subresource, string verb, bool forAll)
    {
        var action = (verb, subresource?.Connect) switch
        {
            (_, true) => "connect" + Title(verb),
            ("get", _) => "read",
            ("update", _) => "replace",
            ("deletecollection", _) => "deleteCollection",
            _ => verb,
        };
        var place = resource.Namespaced && !forAll ? "Namespaced" : "";
        var rest = subresource is null ? "" : string.Concat(subresource.Name.Split('-').Select(Title));
        return action + Identifier(resource.GroupVersion, lower: false) + place + resource.Kind + rest + (forAll ? "ForAllNamespaces" : "");
    }

    /// <summary>"RbacAuthorizationV1", or lower: "rbacAuthorization_v1".</summary>
    private static string Identifier(GroupVersion version, bool lower)
    {
        var group = version.Group.Length == 0 ? "core" : version.Group.EndsWith(".k8s.io", StringComparison.Ordinal) ? version.Group[..^".k8s.io".Length] : version.Group;
        var name = string.Concat(group.Split('.', '-').Select(Title));
        return lower ? char.ToLower(name[0], CultureInfo.InvariantCulture) + name[1..] + "_" + version.Version : name + Title(version.Version);
    }

    private static string Title(string text) => text.Length == 0 ? text : char.ToUpper(text[0], CultureInfo.InvariantCulture) + text[1..];
}

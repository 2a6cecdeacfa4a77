using Timonier.Api.Errors;
using Timonier.Api.Schema;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Makes the selection that a list, watch or deletecollection request means.</summary>
internal static class Selections
{
    /// <exception cref="ApiException">BadRequest: a selector that cannot be read, or a field that may not be selected by.</exception>
    public static Selection Of(ApiCall call, ListQuery query)
    {
        var (resource, info) = (call.Store, call.Info);
        var ns = resource.Schema.Namespaced ? info.Namespace : "";
        var labels = query.LabelSelector.Length == 0 ? LabelMatcher.Everything : LabelSelectorParser.Parse(query.LabelSelector);
        var fields = query.FieldSelector.Length == 0 ? FieldSelector.Everything : FieldSelector.Parse(query.FieldSelector);
        var name = NameOf(call, query);
        var range = resource.Range(ns);
        if (name.Length > 0 && (ns.Length > 0 || !resource.Schema.Namespaced))
        {
            var key = resource.Key(ns, name);
            range = new KeyRange(key, key + '\0');
        }
        var custom = fields.Requirements.Where(r => IsCustom(call.Schema, r.Field)).ToList();
        return new Selection(call.Resource, range, [.. labels.Requirements.Select(r => new LabelTerm(r))], [.. fields.Requirements.Except(custom).Select(r => Term(resource, r))], [.. custom.Select(r => new CustomFieldTerm(r))]);
    }

    /// <summary>The one name that is asked for, by path or by selector; empty: more than one may be.</summary>
    public static string NameOf(ApiCall call, ListQuery query) =>
        call.Info.Name.Length > 0 || query.FieldSelector.Length == 0 ? call.Info.Name : FieldSelector.Parse(query.FieldSelector).RequiresExactMatch("metadata.name") ?? "";

    private static bool IsCustom(ResourceSchema schema, string field)
    {
        if (schema.IsBuiltIn() || field == "metadata.name" || (field == "metadata.namespace" && schema.Namespaced))
            return false;
        return schema.SelectableFields.Contains(field) ? true : throw ApiException.BadRequest("field label not supported: " + field);
    }

    private static FieldTerm Term(ResourceStore resource, FieldRequirement requirement)
    {
        var index = requirement.Field switch
        {
            "metadata.name" => FieldTerm.Name,
            "metadata.namespace" => FieldTerm.Namespace,
            var path when resource.Schema.GroupResource is "events" or "events.events.k8s.io" => resource.Fields.IndexOf(EventField(path)),
            var path => resource.Fields.IndexOf(path),
        };
        if (index < 0 && requirement.Field is not ("metadata.name" or "metadata.namespace"))
        {
            throw ApiException.BadRequest(resource.Fields.Count > 1
                ? "field label not supported: " + requirement.Field
                : $"\"{requirement.Field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
        }
        var other = requirement.Field == "source" ? resource.Fields.IndexOf("reportingComponent") : -1;
        return new FieldTerm(index, requirement, index < 0 ? "" : WhenAbsent(resource.Schema.Type, requirement.Field), other);
    }

    // The names of events.k8s.io for the fields of the stored event.
    private static string EventField(string path) =>
        path == "reportingController" ? "reportingComponent" : path.StartsWith("regarding.", StringComparison.Ordinal) ? "involvedObject." + path["regarding.".Length..] : path;

    /// <summary>What Go shows of a field that JSON leaves out: the zero value as text.</summary>
    private static string WhenAbsent(TypeSchema type, string path)
    {
        FieldSchema? field = null;
        foreach (var step in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            field = (field is null ? type : field.Type.Type)?.Field(step);
            if (field is null)
                return "";
        }
        return field!.Type.Kind switch { ValueKind.Bool => "false", ValueKind.Int32 or ValueKind.Int64 => "0", _ => "" };
    }
}

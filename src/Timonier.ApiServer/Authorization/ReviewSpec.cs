using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Selectors;
using Timonier.ApiServer.Authentication;

namespace Timonier.ApiServer.Authorization;

/// <summary>A SubjectAccessReview's spec as attributes, and back. Source: api/authorization/v1, KEP-4601.</summary>
internal static class ReviewSpec
{
    private static readonly string[] Names = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];

    /// <summary>The question as one asks it of a webhook.</summary>
    /// <param name="full">With empty strings too, as match conditions see it.</param>
    public static JsonMap Of(AuthorizationAttributes asked, bool full = false)
    {
        var spec = new JsonMap();
        if (asked.IsResource)
            spec["resourceAttributes"] = Resource(asked, full);
        else
            spec["nonResourceAttributes"] = new JsonMap { ["path"] = asked.Path, ["verb"] = asked.Verb };
        Add(spec, "user", asked.User.Name, full);
        if (full || asked.User.Groups.Count > 0)
            spec["groups"] = new JsonList(asked.User.Groups);
        if (full || asked.User.Extra.Count > 0)
        {
            var extra = new JsonMap();
            foreach (var (key, values) in asked.User.Extra.OrderBy(e => e.Key, StringComparer.Ordinal))
                extra[key] = new JsonList(values);
            spec["extra"] = extra;
        }
        Add(spec, "uid", asked.User.Uid, full);
        return spec;
    }

    private static JsonMap Resource(AuthorizationAttributes asked, bool full)
    {
        var resource = new JsonMap();
        string[] values = [asked.Namespace, asked.Verb, asked.Group, asked.Version, asked.Resource, asked.Subresource, asked.Name];
        for (var i = 0; i < Names.Length; i++)
            Add(resource, Names[i], values[i], full);
        if (asked.Selectors is not { } selectors)
            return resource;
        if (selectors.Fields.Count > 0)
            resource["fieldSelector"] = new JsonMap { ["requirements"] = new JsonList(selectors.Fields.Select(f => Requirement(f.Field, f.Equal ? "In" : "NotIn", [f.Value]))) };
        // The review knows no Gt and Lt: left out, more is asked for.
        var labels = selectors.Labels.Where(l => l.Operator is "In" or "NotIn" or "Exists" or "DoesNotExist").ToList();
        if (labels.Count > 0)
            resource["labelSelector"] = new JsonMap { ["requirements"] = new JsonList(labels.Select(l => Requirement(l.Key, l.Operator, l.Values))) };
        return resource;
    }

    private static JsonMap Requirement(string key, string op, IReadOnlyList<string> values)
    {
        var requirement = new JsonMap { ["key"] = key, ["operator"] = op };
        if (values.Count > 0)
            requirement["values"] = new JsonList(values);
        return requirement;
    }

    private static void Add(JsonMap map, string key, string value, bool full)
    {
        if (full || value.Length > 0)
            map[key] = value;
    }

    /// <summary>What somebody asks about.</summary>
    /// <param name="spec">With resourceAttributes or nonResourceAttributes.</param>
    public static AuthorizationAttributes Read(UserInfo user, JsonMap spec)
    {
        if (spec.GetMap("nonResourceAttributes") is { } path)
            return new AuthorizationAttributes { User = user, Verb = path.GetString("verb") ?? "", Path = path.GetString("path") ?? "" };
        var resource = spec.GetMap("resourceAttributes")!;
        string Get(string key) => resource.GetString(key) ?? "";
        return new AuthorizationAttributes
        {
            User = user, IsResource = true, Verb = Get("verb"), Group = Get("group"), Version = Get("version"), Resource = Get("resource"), Subresource = Get("subresource"),
            Namespace = Get("namespace"), Name = Get("name"), Selectors = Selectors(resource.GetMap("fieldSelector"), resource.GetMap("labelSelector")),
        };
    }

    private static RequestedSelectors? Selectors(JsonMap? fields, JsonMap? labels) => fields is null && labels is null ? null : new(
        () => fields?.GetString("rawSelector") is { Length: > 0 } raw ? RequestedSelectors.ParseFields(raw) : Fields(fields),
        () => labels?.GetString("rawSelector") is { Length: > 0 } raw ? RequestedSelectors.ParseLabels(raw) : Labels(labels));

    private static IEnumerable<JsonMap> Requirements(JsonMap? selector) => (selector?.GetList("requirements") ?? []).OfType<JsonMap>();

    private static List<string> Values(JsonMap requirement) => [.. (requirement.GetList("values") ?? []).OfType<string>()];

    private static (IReadOnlyList<FieldRequirement>, bool) Fields(JsonMap? selector)
    {
        var (known, whole) = (new List<FieldRequirement>(), true);
        foreach (var requirement in Requirements(selector))
        {
            if (requirement.GetString("operator") is "In" or "NotIn" && Values(requirement) is [var value])
                known.Add(new(requirement.GetString("key") ?? "", requirement.GetString("operator") == "In", value));
            else
                whole = false;
        }
        return (known, whole);
    }

    private static (IReadOnlyList<LabelRequirement>, bool) Labels(JsonMap? selector)
    {
        var (known, whole) = (new List<LabelRequirement>(), true);
        foreach (var requirement in Requirements(selector))
        {
            try
            {
                known.AddRange(LabelSelectorParser.FromTree(new JsonMap { ["matchExpressions"] = new JsonList { requirement } }).Requirements);
            }
            catch (ApiException)
            {
                whole = false;
            }
        }
        return (known, whole);
    }

    /// <summary>Upstream's checks of both selectors. An operator that is not known is no fault: newer clients may know more.</summary>
    public static void CheckSelectors(JsonMap? resource, FieldErrors errors)
    {
        CheckSelector(resource?.GetMap("fieldSelector"), "spec.resourceAttributes.fieldSelector", labels: false, errors);
        CheckSelector(resource?.GetMap("labelSelector"), "spec.resourceAttributes.labelSelector", labels: true, errors);
    }

    private static void CheckSelector(JsonMap? selector, string at, bool labels, FieldErrors errors)
    {
        if (selector is null)
            return;
        var raw = selector.GetString("rawSelector") ?? "";
        var requirements = Requirements(selector).ToList();
        if (raw.Length > 0 && requirements.Count > 0)
            errors.Invalid($"{at}.rawSelector", raw, "may not specified at the same time as requirements");
        if (raw.Length == 0 && requirements.Count == 0)
            errors.Required($"{at}.requirements", $"when {at} is specified, requirements or rawSelector is required");
        for (var i = 0; i < requirements.Count; i++)
            CheckRequirement(requirements[i], $"{at}.requirements[{i}]", labels, errors);
    }

    private static void CheckRequirement(JsonMap requirement, string at, bool labels, FieldErrors errors)
    {
        var (key, values) = (requirement.GetString("key") ?? "", Values(requirement));
        if (!labels && key.Length == 0)
            errors.Required($"{at}.key", "must be specified");
        if (requirement.GetString("operator") is "In" or "NotIn" && values.Count == 0)
            errors.Required($"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'");
        if (requirement.GetString("operator") is "Exists" or "DoesNotExist" && values.Count > 0)
            errors.Forbidden($"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        if (!labels)
            return;
        if (LabelFormats.KeyFaults(key) is { } faults)
            errors.Invalid($"{at}.key", key, faults);
        for (var i = 0; i < values.Count; i++)
        {
            if (LabelFormats.ValueFaults(values[i]) is { } wrong)
                errors.Invalid($"{at}.values[{i}]", values[i], wrong);
        }
    }
}

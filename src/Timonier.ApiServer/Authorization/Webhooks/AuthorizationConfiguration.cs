using Timonier.Api;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Yaml;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Authorization.Webhooks;

/// <summary>One authorizer of the chain.</summary>
/// <param name="Type">Node, RBAC, Webhook, AlwaysAllow or AlwaysDeny.</param>
/// <param name="Webhook">Null unless the type is Webhook.</param>
public sealed record AuthorizationMode(string Type, AuthorizationWebhook? Webhook = null);

/// <summary>An AuthorizationConfiguration file (apiserver.config.k8s.io/v1): who decides, in order. Upstream's checks and words; ABAC is not done.</summary>
public static class AuthorizationConfiguration
{
    private const int ConditionsMax = 64;

    /// <summary>What flags may name.</summary>
    public static readonly IReadOnlyList<string> Types = ["AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"];

    /// <summary>Without any flag.</summary>
    public static readonly IReadOnlyList<AuthorizationMode> Default = [new("Node"), new("RBAC")];

    /// <exception cref="FormatException">No such configuration: every fault of it, with its field.</exception>
    public static IReadOnlyList<AuthorizationMode> Parse(string text)
    {
        if (YamlReader.Read(text) is not JsonMap config || config.GetString("kind") != "AuthorizationConfiguration" || config.GetString("apiVersion") is not ("apiserver.config.k8s.io/v1" or "apiserver.config.k8s.io/v1beta1" or "apiserver.config.k8s.io/v1alpha1"))
            throw new FormatException("an AuthorizationConfiguration of apiserver.config.k8s.io/v1 is wanted");
        var errors = new FieldErrors();
        Only(config, "", errors, "kind", "apiVersion", "authorizers");
        var authorizers = (config.GetList("authorizers") ?? []).OfType<JsonMap>().ToList();
        if (authorizers.Count == 0)
            errors.Required("authorizers", "at least one authorization mode must be defined");
        var (types, names, modes) = (new HashSet<string>(), new HashSet<string>(), new List<AuthorizationMode>());
        for (var i = 0; i < authorizers.Count; i++)
        {
            if (Mode(authorizers[i], $"authorizers[{i}]", types, names, errors) is { } mode)
                modes.Add(mode);
        }
        return errors.Any ? throw new FormatException(string.Join("; ", errors.Errors)) : modes;
    }

    private static AuthorizationMode? Mode(JsonMap authorizer, string at, HashSet<string> types, HashSet<string> names, FieldErrors errors)
    {
        Only(authorizer, at, errors, "type", "name", "webhook");
        var (type, name, webhook) = (authorizer.GetString("type") ?? "", authorizer.GetString("name") ?? "", authorizer.GetMap("webhook"));
        if (type.Length == 0)
            errors.Required($"{at}.type");
        else if (!Types.Contains(type))
            errors.NotSupported($"{at}.type", type, Types);
        else if (!types.Add(type) && type != "Webhook")
            errors.Duplicate($"{at}.type", type);
        if (name.Length == 0)
            errors.Required($"{at}.name");
        else if (!names.Add(name))
            errors.Duplicate($"{at}.name", name);
        else if (Names.Subdomain(name) is { Count: > 0 } faults)
            errors.Invalid($"{at}.name", name, "authorizer name is invalid: " + string.Join(", ", faults));
        if (type != "Webhook")
        {
            if (webhook is not null)
                errors.Invalid($"{at}.webhook", "non-null", "may only be specified when type=Webhook");
            return new(type);
        }
        if (webhook is not null)
            return new(type, Webhook(webhook, name, at, errors));
        errors.Required($"{at}.webhook", "required when type=Webhook");
        return null;
    }

    private static AuthorizationWebhook Webhook(JsonMap webhook, string name, string at, FieldErrors errors)
    {
        Only(webhook, at, errors, "authorizedTTL", "cacheAuthorizedRequests", "unauthorizedTTL", "cacheUnauthorizedRequests", "timeout", "subjectAccessReviewVersion",
            "matchConditionSubjectAccessReviewVersion", "failurePolicy", "connectionInfo", "matchConditions");
        var timeout = Duration(webhook, "timeout", null, at, errors);
        if (timeout > AuthorizationWebhook.TimeoutMax || timeout < TimeSpan.Zero)
            errors.Invalid($"{at}.timeout", webhook.GetString("timeout"), "must be > 0s and <= 30s");
        var conditions = (webhook.GetList("matchConditions") ?? []).OfType<JsonMap>().ToList();
        OneOf(webhook, "subjectAccessReviewVersion", at, errors, "v1", "v1beta1");
        if (webhook.GetString("matchConditionSubjectAccessReviewVersion") is { Length: > 0 })
            OneOf(webhook, "matchConditionSubjectAccessReviewVersion", at, errors, "v1");
        else if (conditions.Count > 0)
            errors.Required($"{at}.matchConditionSubjectAccessReviewVersion", "required if match conditions are specified");
        OneOf(webhook, "failurePolicy", at, errors, "NoOpinion", "Deny");
        return new AuthorizationWebhook
        {
            Name = name, Kubeconfig = Connection(webhook.GetMap("connectionInfo") ?? [], at + ".connectionInfo", errors), Timeout = timeout, Version = webhook.GetString("subjectAccessReviewVersion") ?? "",
            AuthorizedTtl = Ttl(webhook, "authorizedTTL", "cacheAuthorizedRequests", AuthorizationWebhook.DefaultAuthorizedTtl, at, errors),
            UnauthorizedTtl = Ttl(webhook, "unauthorizedTTL", "cacheUnauthorizedRequests", AuthorizationWebhook.DefaultUnauthorizedTtl, at, errors),
            DeniesOnFailure = webhook.GetString("failurePolicy") == "Deny", Conditions = Conditions(conditions, at, errors),
        };
    }

    private static TimeSpan Ttl(JsonMap webhook, string key, string caches, TimeSpan whenAbsent, string at, FieldErrors errors)
    {
        var ttl = Duration(webhook, key, whenAbsent, at, errors);
        if (ttl < TimeSpan.Zero)
            errors.Invalid($"{at}.{key}", webhook.GetString(key), "must be > 0s");
        return webhook.GetBool(caches) == false ? TimeSpan.Zero : ttl;
    }

    private static TimeSpan Duration(JsonMap map, string key, TimeSpan? whenAbsent, string at, FieldErrors errors)
    {
        var text = map.GetString(key) ?? "";
        if (text.Length == 0 || !GoDuration.TryParse(text, out var duration))
        {
            if (text.Length > 0)
                errors.Invalid($"{at}.{key}", text, "time: invalid duration");
            else if (whenAbsent is null)
                errors.Required($"{at}.{key}");
            return whenAbsent ?? TimeSpan.Zero;
        }
        if (duration == TimeSpan.Zero)
            errors.Required($"{at}.{key}");
        return duration;
    }

    private static void OneOf(JsonMap map, string key, string at, FieldErrors errors, params string[] values)
    {
        var value = map.GetString(key) ?? "";
        if (value.Length == 0)
            errors.Required($"{at}.{key}");
        else if (!values.Contains(value))
            errors.NotSupported($"{at}.{key}", value, values);
    }

    /// <summary>The file. A server that asks itself (InClusterConfig) would never end.</summary>
    private static string Connection(JsonMap connection, string at, FieldErrors errors)
    {
        Only(connection, at, errors, "type", "kubeConfigFile");
        OneOf(connection, "type", at, errors, "KubeConfigFile");
        var file = connection.GetString("kubeConfigFile") ?? "";
        if (file.Length == 0)
            errors.Required($"{at}.kubeConfigFile");
        else if (!Path.IsPathRooted(file))
            errors.Invalid($"{at}.kubeConfigFile", file, "must be an absolute path");
        return file;
    }

    private static List<MatchExpression> Conditions(List<JsonMap> conditions, string at, FieldErrors errors)
    {
        var (compiled, seen) = (new List<MatchExpression>(), new HashSet<string>());
        if (conditions.Count > ConditionsMax)
        {
            errors.TooMany($"{at}.matchConditions", conditions.Count, ConditionsMax);
            return compiled;
        }
        for (var i = 0; i < conditions.Count; i++)
        {
            var (path, expression) = ($"{at}.matchConditions[{i}].expression", conditions[i].GetString("expression") ?? "");
            if (expression.Trim().Length == 0)
            {
                errors.Required(path);
                continue;
            }
            if (!seen.Add(expression))
            {
                errors.Duplicate(path, expression);
                continue;
            }
            try
            {
                compiled.Add(MatchExpression.Compile(expression));
            }
            catch (CelException e)
            {
                errors.Invalid(path, expression, e.Message);
            }
        }
        return compiled;
    }

    /// <summary>A field that is misspelt must not be a rule that does not hold.</summary>
    private static void Only(JsonMap map, string at, FieldErrors errors, params string[] known)
    {
        foreach (var key in map.Keys.Where(k => !known.Contains(k)))
            errors.Invalid(at.Length == 0 ? key : $"{at}.{key}", key, "unknown field");
    }
}

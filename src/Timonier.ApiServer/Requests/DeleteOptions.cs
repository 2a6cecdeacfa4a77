using System.Globalization;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Requests;

/// <summary>meta/v1 DeleteOptions, from the body or, without one, from the query.</summary>
internal sealed record DeleteOptions
{
    /// <summary>Seconds; null: the kind's own.</summary>
    public long? GracePeriodSeconds { get; init; }

    /// <summary>"Orphan", "Background" or "Foreground"; null: the kind's own.</summary>
    public string? PropagationPolicy { get; init; }
    public bool? OrphanDependents { get; init; }
    public string? PreconditionUid { get; init; }
    public string? PreconditionResourceVersion { get; init; }
    public bool DryRun { get; init; }

    /// <exception cref="ApiException">Invalid or BadRequest: a value that the option does not know.</exception>
    public static DeleteOptions Parse(IQueryCollection query, JsonMap? body)
    {
        var errors = new FieldErrors();
        DeleteOptions options;
        if (body is not null)
        {
            var preconditions = body.GetMap("preconditions");
            var dryRun = body.GetList("dryRun");
            if ((dryRun ?? []).Any(v => v is not "All"))
                errors.NotSupported("dryRun", dryRun, ["All"]);
            options = new DeleteOptions
            {
                GracePeriodSeconds = body.GetInteger("gracePeriodSeconds"),
                PropagationPolicy = body.GetString("propagationPolicy"),
                OrphanDependents = body.GetBool("orphanDependents"),
                PreconditionUid = preconditions?.GetString("uid"),
                PreconditionResourceVersion = preconditions?.GetString("resourceVersion"),
                DryRun = dryRun is { Count: > 0 },
            };
        }
        else
        {
            var grace = query["gracePeriodSeconds"].ToString();
            long seconds = 0;
            if (grace.Length > 0 && !long.TryParse(grace, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seconds))
                throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{grace}\": invalid syntax");
            options = new DeleteOptions
            {
                GracePeriodSeconds = grace.Length > 0 ? seconds : null,
                PropagationPolicy = query.TryGetValue("propagationPolicy", out var policy) ? policy.ToString() : null,
                OrphanDependents = query.TryGetValue("orphanDependents", out var orphan) ? RequestInfoParser.IsTrue(orphan) : null,
                DryRun = WriteOptions.ParseDryRun(query, errors),
            };
        }
        options.Check(errors);
        if (errors.Any)
            throw ApiException.Invalid(new("meta.k8s.io", "v1", "DeleteOptions"), "", errors.Errors);
        return options;
    }

    private void Check(FieldErrors errors)
    {
        if (PropagationPolicy is not null && OrphanDependents is not null)
            errors.Invalid("propagationPolicy", PropagationPolicy, "orphanDependents and deletionPropagation cannot be both set");
        if (PropagationPolicy is not (null or "Foreground" or "Background" or "Orphan"))
            errors.NotSupported("propagationPolicy", PropagationPolicy, ["Foreground", "Background", "Orphan", "nil"]);
    }

    /// <summary>As the object that admission sees.</summary>
    public JsonMap ToTree()
    {
        var tree = new JsonMap { ["kind"] = "DeleteOptions", ["apiVersion"] = "meta.k8s.io/v1" };
        if (GracePeriodSeconds is { } seconds)
            tree["gracePeriodSeconds"] = seconds;
        if (PropagationPolicy is not null)
            tree["propagationPolicy"] = PropagationPolicy;
        if (OrphanDependents is { } orphan)
            tree["orphanDependents"] = orphan;
        if (DryRun)
            tree["dryRun"] = new JsonList { "All" };
        return tree;
    }
}

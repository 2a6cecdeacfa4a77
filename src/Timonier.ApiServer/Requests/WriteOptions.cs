using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Requests;

internal enum FieldValidation { Ignore, Warn, Strict }

/// <summary>The query of create, update and patch (meta/v1 CreateOptions, UpdateOptions, PatchOptions).</summary>
internal sealed record WriteOptions
{
    public bool DryRun { get; init; }
    public string FieldManager { get; init; } = "";
    public FieldValidation FieldValidation { get; init; } = FieldValidation.Warn;

    /// <summary>Server-side apply takes fields that others manage.</summary>
    public bool Force { get; init; }

    /// <summary>What the body says twice, in the words of a strict error: found when it was read, told with the unknown fields. Empty when that is not asked for.</summary>
    public IReadOnlyList<string> Duplicates { get; init; } = [];

    public static readonly WriteOptions Default = new();

    /// <param name="kind">CreateOptions, UpdateOptions or PatchOptions, for messages.</param>
    /// <exception cref="ApiException">Invalid: a value that the option does not know.</exception>
    public static WriteOptions Parse(IQueryCollection query, string kind)
    {
        if (query.Count == 0)
            return Default;
        var errors = new FieldErrors();
        var validation = query["fieldValidation"].ToString();
        if (validation is not ("" or "Ignore" or "Warn" or "Strict"))
            errors.NotSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]);
        var manager = query["fieldManager"].ToString();
        if (manager.Length > 128)
            errors.TooLong("fieldManager", 128);
        for (var i = 0; i < manager.Length; i++)
        {
            if (char.IsControl(manager[i]))
                errors.Invalid("fieldManager", manager, $"invalid character U+{(int)manager[i]:X4} (at position {i})");
        }
        var dryRun = ParseDryRun(query, errors);
        if (errors.Any)
            throw ApiException.Invalid(new("meta.k8s.io", "v1", kind), "", errors.Errors);
        return new WriteOptions
        {
            DryRun = dryRun,
            FieldManager = manager,
            FieldValidation = validation switch { "Strict" => FieldValidation.Strict, "Ignore" => FieldValidation.Ignore, _ => FieldValidation.Warn },
            Force = RequestInfoParser.IsTrue(query["force"]),
        };
    }

    public static bool ParseDryRun(IQueryCollection query, FieldErrors errors)
    {
        var values = query["dryRun"];
        if (values.Any(v => v != "All"))
            errors.NotSupported("dryRun", new JsonList(values), ["All"]);
        return values.Count > 0;
    }
}

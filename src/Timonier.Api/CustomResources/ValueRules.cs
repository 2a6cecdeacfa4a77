using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>One limit that a schema sets on a value.</summary>
internal interface IValueRule
{
    void Check(object? value, string path, FieldErrors errors);
}

/// <summary>The limits of JSON schema: on numbers, texts, lists and maps, and the enumeration.</summary>
internal static class ValueRules
{
    public static void Compile(JsonMap schema, List<IValueRule> rules)
    {
        if (schema.GetList("enum") is { Count: > 0 } values)
            rules.Add(new EnumRule(values));
        if (Number(schema, "minimum") is { } minimum)
            rules.Add(new BoundRule(minimum, schema.GetBool("exclusiveMinimum") == true, IsMaximum: false));
        if (Number(schema, "maximum") is { } maximum)
            rules.Add(new BoundRule(maximum, schema.GetBool("exclusiveMaximum") == true, IsMaximum: true));
        if (Number(schema, "multipleOf") is { } factor && factor > 0)
            rules.Add(new MultipleRule(factor));
        foreach (var (key, isMaximum, unit) in Sizes)
        {
            if (schema.GetInteger(key) is { } limit)
                rules.Add(new SizeRule(limit, isMaximum, unit));
        }
        if (schema.GetString("pattern") is { Length: > 0 } pattern)
            rules.Add(new PatternRule(pattern, GoRegex.Compile(pattern)));
        if (schema.GetString("format") is { Length: > 0 } format && Formats.Find(format) is { } check)
            rules.Add(new FormatRule(format, check));
    }

    private static readonly (string Key, bool IsMaximum, string Unit)[] Sizes =
        [("maxLength", true, "chars"), ("minLength", false, "chars"), ("maxItems", true, "items"), ("minItems", false, "items"), ("maxProperties", true, "properties"), ("minProperties", false, "properties")];

    private static double? Number(JsonMap schema, string key) => schema[key] switch { long integer => integer, double number => number, _ => null };

    private static double? Number(object? value) => value switch { long integer => integer, double number => number, _ => null };

    private static string Show(double number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record EnumRule(JsonList Values) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            if (Values.Exists(v => JsonTree.DeepEquals(v, value)))
                return;
            var supported = string.Join(", ", Values.Select(v => $"\"{(v is string text ? text : Encoding.UTF8.GetString(JsonEncoder.Encode(v)))}\""));
            errors.Add(new FieldError("FieldValueNotSupported", SchemaValidator.Place(path), $"Unsupported value: {Encoding.UTF8.GetString(JsonEncoder.Encode(value))}: supported values: {supported}"));
        }
    }

    private sealed record BoundRule(double Limit, bool Exclusive, bool IsMaximum) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            if (Number(value) is not { } number)
                return;
            var order = IsMaximum ? number.CompareTo(Limit) : Limit.CompareTo(number);
            if (order < 0 || (order == 0 && !Exclusive))
                return;
            errors.Invalid(SchemaValidator.Place(path), value, $"{path} in body should be {(IsMaximum ? "less" : "greater")} than {(Exclusive ? "" : "or equal to ")}{Show(Limit)}");
        }
    }

    private sealed record MultipleRule(double Factor) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            if (Number(value) is { } number && !double.IsInteger(number / Factor))
                errors.Invalid(SchemaValidator.Place(path), value, $"{path} in body should be a multiple of {Show(Factor)}");
        }
    }

    private sealed record SizeRule(long Limit, bool IsMaximum, string Unit) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            var size = (Unit, value) switch
            {
                ("chars", string text) => text.EnumerateRunes().Count(),
                ("items", JsonList list) => list.Count,
                ("properties", JsonMap map) => map.Count,
                _ => -1,
            };
            if (size < 0 || (IsMaximum ? size <= Limit : size >= Limit))
                return;
            var place = SchemaValidator.Place(path);
            if (!IsMaximum)
                errors.Invalid(place, value, $"{path} in body should {(Unit == "chars" ? "be" : "have")} at least {Limit} {Unit}{(Unit == "chars" ? " long" : "")}");
            else if (Unit == "chars")
                errors.TooLong(place, (int)Math.Min(Limit, int.MaxValue));
            else
                errors.TooMany(place, size, (int)Math.Min(Limit, int.MaxValue));
        }
    }

    private sealed record PatternRule(string Pattern, Regex Regex) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            if (value is string text && !Regex.IsMatch(text))
                errors.Invalid(SchemaValidator.Place(path), value, $"{path} in body should match '{Pattern}'");
        }
    }

    private sealed record FormatRule(string Format, Func<string, bool> IsValid) : IValueRule
    {
        public void Check(object? value, string path, FieldErrors errors)
        {
            if (value is string text && !IsValid(text))
                SchemaValidator.AddType(errors, path, Format, text);
        }
    }
}

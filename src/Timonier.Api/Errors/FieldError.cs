namespace Timonier.Api.Errors;

/// <summary>A fault of one field, in upstream's words: what a Status shows as a cause.</summary>
/// <param name="Reason">A metav1 CauseType: FieldValueRequired, FieldValueInvalid, ...</param>
/// <param name="Field">The path: spec.containers[0].name.</param>
/// <param name="Detail">The cause's message: "Required value: ...".</param>
public sealed record FieldError(string Reason, string Field, string Detail)
{
    public override string ToString() => $"{Field}: {Detail}";
}

/// <summary>Gathers the faults of one object; the path of the place under validation is passed along by the caller.</summary>
public sealed class FieldErrors
{
    private readonly List<FieldError> _errors = [];

    public IReadOnlyList<FieldError> Errors => _errors;

    public bool Any => _errors.Count > 0;

    public void Required(string path, string detail = "") => Add("FieldValueRequired", path, "Required value", detail);

    public void Invalid(string path, object? value, string detail) => Add("FieldValueInvalid", path, $"Invalid value: {Show(value)}", detail);

    /// <param name="supported">Shown quoted, in this order.</param>
    public void NotSupported(string path, object? value, IEnumerable<string> supported) =>
        Add("FieldValueNotSupported", path, $"Unsupported value: {Show(value)}", "supported values: " + string.Join(", ", supported.Select(s => $"\"{s}\"")));

    public void Duplicate(string path, object? value, string detail = "") => Add("FieldValueDuplicate", path, $"Duplicate value: {Show(value)}", detail);

    public void Forbidden(string path, string detail) => Add("FieldValueForbidden", path, "Forbidden", detail);

    public void NotFound(string path, object? value) => Add("FieldValueNotFound", path, $"Not found: {Show(value)}", "");

    public void TooLong(string path, int max) => Add("FieldValueTooLong", path, "Too long", $"may not be more than {max} bytes");

    public void TooMany(string path, int actual, int max) => Add("FieldValueTooMany", path, $"Too many: {actual}", $"must have at most {max} items");

    public void TypeInvalid(string path, object? value, string detail) => Add("FieldValueTypeInvalid", path, $"Invalid value: {Show(value)}", detail);

    public void Add(FieldError error) => _errors.Add(error);

    private void Add(string reason, string path, string text, string detail) =>
        _errors.Add(new FieldError(reason, path, detail.Length == 0 ? text : $"{text}: {detail}"));

    /// <summary>As Go's %#v-like rendering in upstream's messages: strings quoted, the rest as JSON.</summary>
    private static string Show(object? value) => value switch
    {
        null => "null",
        string text => Quoted(text),
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        Json.JsonMap or Json.JsonList => System.Text.Encoding.UTF8.GetString(Json.JsonEncoder.Encode(value)),
        _ => Quoted(value.ToString() ?? ""),
    };

    /// <summary>As Go's %q.</summary>
    private static string Quoted(string text)
    {
        if (text.AsSpan().IndexOfAny('"', '\\') < 0 && !text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
            return $"\"{text}\"";
        var quoted = new System.Text.StringBuilder("\"");
        foreach (var c in text)
            quoted.Append(c switch { '"' => "\\\"", '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", < ' ' => $"\\x{(int)c:x2}", _ => c.ToString() });
        return quoted.Append('"').ToString();
    }
}

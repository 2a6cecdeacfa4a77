using System.Text.RegularExpressions;
using Timonier.Api.Cel;
using Timonier.Api.Errors;
using Timonier.Api.Json;

namespace Timonier.Api.CustomResources;

/// <summary>One x-kubernetes-validations rule, compiled.</summary>
internal sealed partial class CelRule
{
    /// <summary>A longer message of a messageExpression is not used.</summary>
    private const int MessageMax = 5 * 1024;

    private readonly CelProgram _rule;
    private readonly CelProgram? _messageExpression;
    private readonly string _message;
    private readonly string _fieldPath;
    private readonly string _reason;
    private readonly bool _optionalOldSelf;

    private CelRule(CelProgram rule, CelProgram? messageExpression, JsonMap declared)
    {
        (_rule, _messageExpression) = (rule, messageExpression);
        _message = (declared.GetString("message") ?? "").Trim();
        _fieldPath = QuotedStep().Replace(declared.GetString("fieldPath") ?? "", ".$1").TrimStart('.');
        _reason = declared.GetString("reason") ?? "";
        _optionalOldSelf = declared.GetBool("optionalOldSelf") == true;
        IsTransition = rule.Uses("oldSelf");
    }

    /// <summary>Does the rule look at the value before?</summary>
    public bool IsTransition { get; }

    public ulong EstimateCost() => _rule.EstimateCost();

    public ulong? EstimateMessageCost() => _messageExpression?.EstimateCost();

    /// <param name="schema">Of the values that the rule is about.</param>
    public static CelRule? Compile(JsonMap declared, CelType self, JsonMap schema, string path, bool correlatable, FieldErrors errors)
    {
        var source = declared.GetString("rule") ?? "";
        CheckTexts(declared, schema, source.Trim(), path, errors);
        if (source.Trim().Length == 0)
        {
            errors.Required(path + ".rule", "rule is not specified");
            return null;
        }
        var optional = declared.GetBool("optionalOldSelf") == true;
        var environment = new CelEnvironment([("self", self), ("oldSelf", optional ? CelType.Optional(self) : self)]);
        if (CompileOne(source, environment, CelType.Bool, "cel expression must evaluate to a bool", path + ".rule", "compilation failed: ", declared, errors) is not { } rule)
            return null;
        if (rule.Uses("oldSelf") && !correlatable)
        {
            errors.Invalid(path + ".rule", source, "oldSelf cannot be used on the uncorrelatable portion of the schema");
            return null;
        }
        CelProgram? message = null;
        if (declared.GetString("messageExpression") is { Length: > 0 } expression)
            message = CompileOne(expression, environment, CelType.String, "messageExpression must evaluate to a string", path + ".messageExpression", "messageExpression compilation failed: ", declared, errors);
        return new CelRule(rule, message, declared);
    }

    private static void CheckTexts(JsonMap declared, JsonMap schema, string rule, string path, FieldErrors errors)
    {
        var (message, messageExpression, fieldPath) = (declared.GetString("message") ?? "", declared.GetString("messageExpression") ?? "", declared.GetString("fieldPath") ?? "");
        if (message.Length > 0 && message.Trim().Length == 0)
            errors.Invalid(path + ".message", message, "message must be non-empty if specified");
        else if (HasLines(message.Trim()))
            errors.Invalid(path + ".message", message, "message must not contain line breaks");
        else if (HasLines(rule) && message.Trim().Length == 0)
            errors.Required(path + ".message", "message must be specified if rule contains line breaks");
        if (messageExpression.Length > 0 && messageExpression.Trim().Length == 0)
            errors.Required(path + ".messageExpression", "messageExpression must be non-empty if specified");
        if (declared.GetString("reason") is { } reason and not ("FieldValueDuplicate" or "FieldValueForbidden" or "FieldValueInvalid" or "FieldValueRequired"))
            errors.NotSupported(path + ".reason", reason, ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"]);
        if (fieldPath.Length > 0 && fieldPath.Trim().Length == 0)
            errors.Invalid(path + ".fieldPath", fieldPath, "fieldPath must be non-empty if specified");
        else if (HasLines(fieldPath))
            errors.Invalid(path + ".fieldPath", fieldPath, "fieldPath must not contain line breaks");
        else if (fieldPath.Length > 0 && SchemaPath.Find(schema, fieldPath) is null)
            errors.Invalid(path + ".fieldPath", fieldPath, "fieldPath must be a valid path");
    }

    private static bool HasLines(string text) => text.AsSpan().IndexOfAny('\n', '\r') >= 0;

    private static CelProgram? CompileOne(string source, CelEnvironment environment, CelType result, string wrongResult, string path, string prefix, JsonMap declared, FieldErrors errors)
    {
        try
        {
            var program = CelProgram.Compile(source, environment);
            if (result.Accepts(program.ResultType))
                return program;
            errors.Invalid(path, declared, wrongResult);
        }
        catch (CelException e)
        {
            errors.Invalid(path, declared, prefix + e.Message);
        }
        return null;
    }

    /// <returns>False when no further rule may be evaluated.</returns>
    public bool Validate(object value, object? old, string path, string typeName, FieldErrors errors, CelBudget budget)
    {
        if (IsTransition && old is null && !_optionalOldSelf)
            return true;
        var oldSelf = !_optionalOldSelf ? old : old is null ? CelOptional.None : CelOptional.Of(old);
        object? Variable(string name) => name == "self" ? value : oldSelf;
        var call = new CelBudget(Math.Min(CelBudget.PerCall, budget.Remaining));
        var before = call.Remaining;
        try
        {
            if (_rule.Evaluate(Variable, call) is true)
                return true;
            AddFailure(errors, path, typeName, Message(Variable, call));
            return true;
        }
        catch (CelException e)
        {
            errors.Invalid(path, typeName, e.IsBudget ? $"'{e.Message}': no further validation rules will be run due to call cost exceeds limit for rule: {Shown}"
                : e.Message == "no such overload" ? $"'{e.Message}': call arguments did not match a supported operator, function or macro signature for rule: {Shown}"
                : $"{e.Message} evaluating rule: {Shown}");
            return !e.IsBudget;
        }
        finally
        {
            budget.Charge(Math.Min(budget.Remaining, before - Math.Max(0, call.Remaining)));
        }
    }

    /// <summary>The rule as messages name it.</summary>
    private string Shown => _message.Length > 0 ? _message : _rule.Source.Trim();

    private string Message(Func<string, object?> variables, CelBudget budget)
    {
        try
        {
            if (_messageExpression?.Evaluate(variables, budget) is string text && text.Trim() is { Length: > 0 and <= MessageMax } message && !message.Contains('\n', StringComparison.Ordinal))
                return message;
        }
        catch (CelException)
        {
            // Upstream falls back to the plain message then.
        }
        return _message.Length > 0 ? _message : "failed rule: " + _rule.Source.Trim();
    }

    private void AddFailure(FieldErrors errors, string path, string typeName, string message)
    {
        if (_fieldPath.Length > 0)
            path = path == "<nil>" ? _fieldPath : $"{path}.{_fieldPath}";
        switch (_reason)
        {
            case "FieldValueForbidden": errors.Forbidden(path, message); break;
            case "FieldValueRequired": errors.Required(path, message); break;
            case "FieldValueDuplicate": errors.Duplicate(path, typeName); break;
            default: errors.Invalid(path, typeName, message); break;
        }
    }

    /// <summary>.foo['bar'] is .foo.bar.</summary>
    [GeneratedRegex(@"\['([^']*)'\]", RegexOptions.NonBacktracking)]
    private static partial Regex QuotedStep();
}

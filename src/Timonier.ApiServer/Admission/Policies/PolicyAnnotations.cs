using System.Text;
using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Cel;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>The audit annotations that one policy makes for one request: the values of all its bindings and params under one key.</summary>
internal sealed class PolicyAnnotations(string policy)
{
    /// <summary>Upstream's maxAuditAnnotationValueLength.</summary>
    private const int ValueMax = 10 * 1024;

    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    /// <summary>Why one could not be evaluated; null: all could.</summary>
    public string? Fault { get; private set; }

    public async ValueTask EvaluateAsync(AuditAnnotation annotation, Func<string, ValueTask<object?>> evaluate)
    {
        try
        {
            if (await evaluate(annotation.ValueExpression) is not string value)
                return;
            if (!_values.TryGetValue(annotation.Key, out var values))
                _values[annotation.Key] = values = [];
            value = value.Length > ValueMax ? value[..ValueMax] : value;
            if (!values.Contains(value))
                values.Add(value);
        }
        catch (CelException e)
        {
            Fault ??= $"expression '{annotation.ValueExpression}' resulted in error: {e.Message}";
        }
    }

    public void Publish(AdmissionAttributes attributes)
    {
        foreach (var (key, values) in _values)
            attributes.Scope.Annotate?.Invoke($"{policy}/{key}", string.Join(", ", values));
    }

    /// <summary>A binding with the action Audit writes down what failed.</summary>
    public void Failure(AdmissionAttributes attributes, ValidatingAdmissionPolicyBinding binding, int expressionIndex, string message)
    {
        var failure = new JsonMap
        {
            ["message"] = message, ["policy"] = policy, ["binding"] = binding.Metadata.Name, ["expressionIndex"] = (long)expressionIndex,
            ["validationActions"] = new JsonList(binding.Spec.ValidationActions),
        };
        attributes.Scope.Annotate?.Invoke("validation.policy.admission.k8s.io/validation_failure", Encoding.UTF8.GetString(JsonEncoder.Encode(new JsonList { failure })));
    }
}

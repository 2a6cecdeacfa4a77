using Timonier.Api.Errors;
using Timonier.Api.Selectors;

namespace Timonier.ApiServer.Authorization;

/// <summary>
/// The field and label selectors of a request, parsed when an authorizer first looks. A term that is not understood is left out: terms are
/// all to hold, so that without it more is asked for, never less. Source: KEP-4601.
/// </summary>
/// <param name="fields">Parses; gives what it understood and whether that is all.</param>
public sealed class RequestedSelectors(Func<(IReadOnlyList<FieldRequirement> Terms, bool Whole)> fields, Func<(IReadOnlyList<LabelRequirement> Terms, bool Whole)> labels)
{
    private readonly Lazy<(IReadOnlyList<FieldRequirement> Terms, bool Whole)> _fields = new(fields, LazyThreadSafetyMode.PublicationOnly);
    private readonly Lazy<(IReadOnlyList<LabelRequirement> Terms, bool Whole)> _labels = new(labels, LazyThreadSafetyMode.PublicationOnly);

    public IReadOnlyList<FieldRequirement> Fields => _fields.Value.Terms;
    public IReadOnlyList<LabelRequirement> Labels => _labels.Value.Terms;

    /// <summary>False: some of the selector was not understood.</summary>
    public bool FieldsWhole => _fields.Value.Whole;

    /// <inheritdoc cref="FieldsWhole"/>
    public bool LabelsWhole => _labels.Value.Whole;

    /// <summary>From the text forms of a query; null when both are empty.</summary>
    public static RequestedSelectors? Of(string fields, string labels) =>
        fields.Length + labels.Length == 0 ? null : new(() => ParseFields(fields), () => ParseLabels(labels));

    internal static (IReadOnlyList<FieldRequirement>, bool) ParseFields(string text)
    {
        try
        {
            return (FieldSelector.Parse(text).Requirements, true);
        }
        catch (ApiException)
        {
            return ([], false);
        }
    }

    internal static (IReadOnlyList<LabelRequirement>, bool) ParseLabels(string text)
    {
        try
        {
            return (LabelSelectorParser.Parse(text).Requirements, true);
        }
        catch (ApiException)
        {
            return ([], false);
        }
    }

    /// <summary>Does it limit itself to one value of a field?</summary>
    public bool Requires(string field, string value)
    {
        foreach (var term in Fields)
        {
            if (term.Equal && term.Field == field && term.Value == value)
                return true;
        }
        return false;
    }
}

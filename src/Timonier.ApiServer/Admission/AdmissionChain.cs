using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Admission;

/// <summary>All admission in upstream's order: first every mutating step, later, after validation, every validating one.</summary>
public sealed class AdmissionChain(IReadOnlyList<IMutatingAdmission> mutating, IReadOnlyList<IValidatingAdmission> validating)
{
    /// <param name="last">Validating steps of other parts, after all others.</param>
    public static AdmissionChain Create(IObjectReader reader, Random random, IReadOnlyList<IValidatingAdmission>? last = null)
    {
        var names = new RandomNames(random);
        var serviceAccount = new ServiceAccountAdmission(reader, names);
        var priority = new PriorityAdmission(reader);
        return new(
            [
                new NamespaceLifecycle(reader),
                serviceAccount,
                priority,
                new DefaultTolerationSeconds(),
            ],
            [
                priority,
                .. last ?? [],
            ]);
    }

    public async ValueTask AdmitAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in mutating)
            await step.AdmitAsync(attributes, cancel);
    }

    public async ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancel)
    {
        foreach (var step in validating)
            await step.ValidateAsync(attributes, cancel);
    }
}

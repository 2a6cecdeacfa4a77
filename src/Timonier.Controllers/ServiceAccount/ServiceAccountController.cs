using Timonier.Api.Errors;
using Timonier.Client;
using V1 = Timonier.Api.Core.V1;

namespace Timonier.Controllers.ServiceAccount;

/// <summary>Gives every namespace that is not about to go its service account "default".</summary>
internal sealed class ServiceAccountController : Controller<string>
{
    private const string DefaultName = "default";

    private readonly Informer<V1.Namespace> _namespaces;
    private readonly Informer<V1.ServiceAccount> _accounts;

    public ServiceAccountController(ControllerContext context) : base("serviceaccount-controller", context)
    {
        _namespaces = Follow<V1.Namespace>();
        _accounts = Follow<V1.ServiceAccount>();
        _namespaces.AddHandler(new() { Added = value => Queue.Add(value.Metadata.Name), Updated = (_, value) => Queue.Add(value.Metadata.Name) });
        _accounts.AddHandler(new() { Deleted = value => Queue.Add(value.Metadata.Namespace) });
    }

    protected override async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        if (_namespaces.Get("", key) is not { Status.Phase: not "Terminating" } || _accounts.Get(key, DefaultName) is not null)
            return;
        try
        {
            await Client.CreateAsync(new V1.ServiceAccount { Metadata = new() { Namespace = key, Name = DefaultName } }, cancellationToken);
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsNamespaceTerminating)
        {
            // Made in the meantime, or not wanted any more.
        }
    }
}

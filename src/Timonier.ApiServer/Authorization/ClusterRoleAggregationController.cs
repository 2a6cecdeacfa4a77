using Microsoft.Extensions.Logging;
using Timonier.Api.Rbac.V1;
using Timonier.Client;

namespace Timonier.ApiServer.Authorization;

/// <summary>Keeps the rules of aggregated ClusterRoles what their selectors gather.</summary>
public sealed class ClusterRoleAggregationController : IDisposable
{
    private readonly ApiClient _client;
    private readonly Informer<ClusterRole> _roles;

    public ClusterRoleAggregationController(ApiClient client, InformerFactory informers, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _roles) = (client, informers.For<ClusterRole>());
        Loop = new ControllerLoop<string>("clusterrole-aggregation", ReconcileAsync, time, loggers.CreateLogger<ClusterRoleAggregationController>(), _roles.WaitForSyncAsync) { Workers = 1 };
        // Any role may be a part of any aggregated one.
        _roles.OnChange(_ =>
        {
            foreach (var role in _roles.List().Where(r => r.AggregationRule is not null))
                Loop.Queue.Add(role.Metadata.Name);
        });
    }

    public ControllerLoop<string> Loop { get; }

    public void Dispose() => Loop.Dispose();

    private async Task ReconcileAsync(string name, CancellationToken cancel)
    {
        if (_roles.Get("", name) is not { AggregationRule: not null } role)
            return;
        var wanted = ClusterRoleAggregation.Aggregate(role, _roles.List());
        if (!ClusterRoleAggregation.SameRules(wanted.Rules, role.Rules))
            await _client.UpdateAsync(wanted, cancel);
    }
}

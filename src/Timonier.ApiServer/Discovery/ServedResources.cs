using Timonier.Api.Schema;

namespace Timonier.ApiServer.Discovery;

/// <summary>Which built-in resources are served.</summary>
public static class ServedResources
{
    /// <summary>What upstream serves by default, and the removed versions for which <paramref name="converts"/> says that we can convert.</summary>
    public static IEnumerable<ResourceSchema> Select(ApiSchema schema, Func<ResourceSchema, bool> converts) =>
        schema.Resources.Where(r => r.Served == ServedState.Default || (r.Served == ServedState.No && converts(r)));
}

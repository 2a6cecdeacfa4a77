using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Cache;

/// <summary>Makes the selection that a list, watch or deletecollection request means.</summary>
internal static class Selections
{
    public static Selection Of(ApiCall call, ListQuery query)
    {
        var (resource, info) = (call.Store, call.Info);
        if (info.Name.Length > 0 && (info.Namespace.Length > 0 || !resource.Schema.Namespaced))
        {
            var key = resource.Key(info.Namespace, info.Name);
            return new Selection(new KeyRange(key, key + '\0'));
        }
        return new Selection(resource.Range(resource.Schema.Namespaced ? info.Namespace : ""));
    }
}

using Timonier.Api.Json;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>DELETE of an object.</summary>
internal static class Delete
{
    /// <summary>Kinds whose delete answers with the object where others answer with a Status (upstream's ReturnDeletedObject).</summary>
    private static readonly HashSet<string> ReturnsObject = new(StringComparer.Ordinal)
    {
        "persistentvolumes", "persistentvolumeclaims", "pods", "podtemplates", "resourcequotas", "services", "serviceaccounts",
    };

    public static async Task HandleAsync(ApiCall call, DeletePath deletes)
    {
        var options = DeleteOptions.Parse(call.Http.Request.Query, await BodyDecoder.ReadOptionsAsync(call, "DeleteOptions"));
        var scope = call.Scope(new WriteOptions { DryRun = options.DryRun });
        var result = await deletes.RunAsync(scope, call.Store, options, call.Cancel);
        var asked = options.OrphanDependents == false;
        if (result.Removed && !ReturnsObject.Contains(call.Schema.GroupResource))
            await Responder.WriteTreeAsync(call, 200, Success(call, result.Object));
        else
            await Responder.WriteAsync(call, result.Removed || !asked ? 200 : 202, new WriteResult(result.Object, null, false));
    }

    private static JsonMap Success(ApiCall call, JsonMap obj)
    {
        var details = new JsonMap { ["name"] = call.Info.Name };
        if (call.Schema.GroupVersion.Group.Length > 0)
            details["group"] = call.Schema.GroupVersion.Group;
        details["kind"] = call.Schema.Plural;
        details["uid"] = obj.GetMap("metadata")?["uid"];
        return new JsonMap { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonMap(), ["status"] = "Success", ["details"] = details };
    }
}

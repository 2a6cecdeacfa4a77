using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Store;

namespace Timonier.ApiServer.Verbs;

/// <summary>DELETE of a collection: every object that the selectors match, one after the other; what is gone meanwhile is no fault.</summary>
internal static class DeleteCollection
{
    public static async Task HandleAsync(ApiCall call, DeletePath deletes)
    {
        var query = ListQuery.Parse(call.Http.Request.Query, watch: false);
        var options = DeleteOptions.Parse(call.Http.Request.Query, await BodyDecoder.ReadOptionsAsync(call, "DeleteOptions"));
        var scope = call.Scope(new WriteOptions { DryRun = options.DryRun });
        var page = await List.ReadAsync(call, query);
        var deleted = new List<Entry>();
        foreach (var entry in page.Items)
        {
            var (ns, name) = call.Store.Split(entry.Key);
            try
            {
                await deletes.RunAsync(scope with { Namespace = ns, Name = name }, call.Store, options, call.Cancel);
                deleted.Add(entry);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Somebody else was faster.
            }
        }
        await ListWriter.WriteAsync(call, page with { Items = deleted });
    }
}

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>PUT of an object or its subresource.</summary>
internal static class Update
{
    public static async Task HandleAsync(ApiCall call, WritePath writes)
    {
        var duplicates = new List<string>();
        var options = WriteOptions.Parse(call.Http.Request.Query, "UpdateOptions") with { Duplicates = duplicates };
        var body = await BodyDecoder.ReadObjectAsync(call, options, duplicates);
        if (body.GetMap("metadata")?.GetString("name") is not { Length: > 0 })
            throw ApiException.BadRequest($"the name of the object ({call.Info.Name} based on URL) was undeterminable: name must be provided");
        var write = new UpdateWrite { Scope = call.Scope(options), Resource = call.Store, Options = options, Body = body };
        var result = await writes.RunAsync(write, call.Cancel);
        await Responder.WriteAsync(call, result.Created ? 201 : 200, result);
    }

    private sealed class UpdateWrite : Write
    {
        public required JsonMap Body { get; init; }

        /// <summary>Without a resourceVersion the client wants its object whatever was there.</summary>
        public override bool RetriesConflicts => Body.GetMap("metadata")?.GetString("resourceVersion") is null or "" or "0";

        public override JsonMap? Produce(JsonMap? old) =>
            old is null && (!Resource.Strategy.AllowCreateOnUpdate || Scope.Subresource.Length > 0) ? null : Body.DeepClone();
    }
}

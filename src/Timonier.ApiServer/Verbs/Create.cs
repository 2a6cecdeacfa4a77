using Timonier.Api.Json;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>POST of a collection.</summary>
internal static class Create
{
    public static async Task HandleAsync(ApiCall call, WritePath writes)
    {
        var duplicates = new List<string>();
        var options = WriteOptions.Parse(call.Http.Request.Query, "CreateOptions") with { Duplicates = duplicates };
        var body = await BodyDecoder.ReadObjectAsync(call, options, duplicates);
        var write = new CreateWrite
        {
            Scope = call.Scope(options) with { Name = "" },
            Resource = call.Store,
            Options = options,
            Body = body,
        };
        var result = await writes.RunAsync(write, call.Cancel);
        await Responder.WriteAsync(call, 201, result);
    }

    private sealed class CreateWrite : Write
    {
        public required JsonMap Body { get; init; }

        public override bool IsCreate => true;

        public override bool RetriesConflicts => false;

        // A name that was generated and taken is made anew: each such attempt starts from the body as it came. With a name there is one attempt.
        public override JsonMap? Produce(JsonMap? old) => Body.GetMap("metadata")?.GetString("name") is { Length: > 0 } ? Body : Body.DeepClone();
    }
}

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Verbs;

/// <summary>POST of what is not stored: the question goes to whoever answers it.</summary>
internal static class VirtualCreate
{
    /// <summary>Null: nobody answers for this resource.</summary>
    public static IVirtualResource? Find(ApiCall call) =>
        call.Core.Virtual.GetValueOrDefault((call.Schema.GroupVersion.Group, call.Schema.Plural, call.Info.Subresource));

    public static async Task HandleAsync(ApiCall call, IVirtualResource resource)
    {
        var options = WriteOptions.Parse(call.Http.Request.Query, "CreateOptions");
        var scope = call.Scope(options);
        var body = await BodyDecoder.ReadObjectAsync(call, options);
        var type = call.Info.Subresource.Length == 0 ? call.Schema.Type : SubresourceType(call);
        var obj = Converted.Normalized(body, type, options, scope.Warnings);
        var attributes = new AdmissionAttributes { Scope = scope, Operation = "CREATE", Object = obj, Versions = call.Core.Versions };
        await call.Core.Admission.AdmitAsync(attributes, call.Cancel);
        await call.Core.Admission.ValidateAsync(attributes, call.Cancel);
        await Responder.WriteTreeAsync(call, 201, await resource.CreateAsync(scope, obj, call.Cancel));
    }

    private static Api.Schema.TypeSchema SubresourceType(ApiCall call)
    {
        var subresource = call.Schema.Subresource(call.Info.Subresource)!;
        return call.Core.Options.Schema.FindKind(subresource.GroupVersion ?? call.Schema.GroupVersion, subresource.Kind) ?? throw ApiException.InternalError($"no type for {call.Schema.Plural}/{subresource.Name}");
    }
}

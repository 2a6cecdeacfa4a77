using Timonier.Api.Json;

namespace Timonier.ApiServer.Registry;

/// <summary>Between a served version and the stored one. Changes the tree in place, apiVersion and kind included.</summary>
internal interface IConverter
{
    void ToStored(JsonMap obj);

    void FromStored(JsonMap obj);
}

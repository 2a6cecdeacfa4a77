using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Schema;
using Timonier.ApiServer.Conversion;

namespace Timonier.ApiServer.Verbs;

/// <summary>
/// Lets a computation that is synchronous and pure convert by a webhook: where an answer is missing it is broken off, the webhook asked, and
/// the computation run again from the start with what is known by then. Field management needs other versions rarely, so this is rare.
/// </summary>
internal sealed class WebhookMemo
{
    /// <summary>Managers of so many versions at most, with some objects each.</summary>
    private const int RoundsMax = 64;

    private readonly Dictionary<(GroupVersion Version, string Json), JsonMap> _known = [];

    private sealed class MissingException(JsonMap obj, GroupVersion to) : Exception
    {
        public JsonMap Object { get; } = obj;
        public GroupVersion To { get; } = to;
    }

    public static async ValueTask<T> RunAsync<T>(IObjectWebhook? webhook, Func<WebhookMemo, T> compute, CancellationToken cancel)
    {
        var memo = new WebhookMemo();
        for (var round = 0; round < RoundsMax; round++)
        {
            try
            {
                return compute(memo);
            }
            catch (MissingException missing) when (webhook is not null)
            {
                var converted = await webhook.ConvertAsync([missing.Object.DeepClone()], missing.To, cancel);
                memo._known[(missing.To, Text(missing.Object))] = converted[0];
            }
        }
        throw ApiException.InternalError("the fields of too many managers must be converted");
    }

    /// <summary>A copy of the object in another version.</summary>
    public JsonMap Convert(JsonMap obj, GroupVersion to) =>
        _known.TryGetValue((to, Text(obj)), out var found) ? found.DeepClone() : throw new MissingException(obj, to);

    private static string Text(JsonMap obj) => Encoding.UTF8.GetString(JsonEncoder.Encode(obj));
}

using System.Text;

namespace Timonier.Store.Tests;

internal static class StoreTestExtensions
{
    public static string Text(this Entry? entry) => entry is null ? "-" : Encoding.UTF8.GetString(entry.Value.Span);

    public static string Describe(this StoreEvent change) => $"{change.Revision} {change.Key} {change.Previous.Text()}>{change.Current.Text()}";

    public static byte[] Utf8(this string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Puts without condition and returns the revision.</summary>
    public static async Task<long> PutAsync(this IStore store, string key, string value) =>
        (await store.TxnAsync(new TxnRequest([], [RequestOp.Put(key, value.Utf8())]))).Revision;

    public static async Task<long> DeleteAsync(this IStore store, string key) =>
        (await store.TxnAsync(new TxnRequest([], [RequestOp.Delete(key)]))).Revision;

    /// <summary>All changes of a range from one revision through another, described.</summary>
    public static async Task<List<string>> ChangesAsync(this IStore store, long startRevision, long throughRevision, KeyRange? range = null)
    {
        var changes = new List<string>();
        await foreach (var response in store.WatchAsync(startRevision, range ?? KeyRange.All))
        {
            changes.AddRange(response.Events.Select(Describe));
            if (response.Revision >= throughRevision)
            {
                break;
            }
        }

        return changes;
    }
}

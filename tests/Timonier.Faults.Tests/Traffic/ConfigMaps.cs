using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Testing.Histories;

namespace Timonier.Faults.Tests.Traffic;

/// <summary>One client of the ConfigMaps of one namespace, which writes down all that it does and sees.</summary>
internal sealed class ConfigMaps(HttpClient http, string @namespace, string client, Recorder recorder)
{
    /// <summary>Others (the root CA's publisher) have objects there too.</summary>
    private const char OwnKeys = 'x';

    public string Client => client;

    public string Path => $"/api/v1/namespaces/{@namespace}/configmaps";

    public async Task<Item?> WriteAsync(WriteKind kind, string key, string value, long expected)
    {
        var (method, path) = kind switch { WriteKind.Create => (HttpMethod.Post, Path), WriteKind.Update => (HttpMethod.Put, $"{Path}/{key}"), _ => (HttpMethod.Delete, $"{Path}/{key}") };
        var version = new JsonMap { ["resourceVersion"] = expected.ToString(CultureInfo.InvariantCulture) };
        JsonMap body = kind == WriteKind.Delete
            ? new() { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["preconditions"] = version }
            : new() { ["kind"] = "ConfigMap", ["apiVersion"] = "v1", ["metadata"] = kind == WriteKind.Update ? version : [], ["data"] = new JsonMap { ["v"] = value } };
        (body.GetMap("metadata") ?? []).Add("name", key);
        var start = recorder.Now();
        var (code, answer) = await SendAsync(method, path, body);
        var outcome = code is >= 200 and < 300 ? Outcome.Done : code is >= 400 and < 500 and not 408 ? Outcome.Refused : Outcome.Unknown;
        var item = outcome == Outcome.Done && kind != WriteKind.Delete ? ItemOf(answer!) : default(Item?);
        recorder.Add(new WriteOp(client, start, recorder.Now(), kind, key, value, expected, outcome, item?.Revision ?? 0));
        return item;
    }

    /// <summary>False: no answer.</summary>
    public async Task<(bool Answered, Item? Found)> ReadAsync(string key)
    {
        var start = recorder.Now();
        var (code, answer) = await SendAsync(HttpMethod.Get, $"{Path}/{key}");
        if (code is not (200 or 404))
            return (false, null);
        var found = code == 200 ? ItemOf(answer!) : default(Item?);
        recorder.Add(new ReadOp(client, start, recorder.Now(), key, found));
        return (true, found);
    }

    /// <param name="limit">Items of a page; 0: all in one.</param>
    /// <param name="exact">The revision wanted; 0: the newest.</param>
    /// <returns>Null: no answer, or a page (or the revision) was compacted.</returns>
    public async Task<long?> ListAsync(int limit = 0, long exact = 0)
    {
        var pages = new List<ListPage>();
        var query = exact > 0 ? $"?resourceVersion={exact}&resourceVersionMatch=Exact" : "?";
        var (start, next) = (recorder.Now(), "");
        do
        {
            var (code, answer) = await SendAsync(HttpMethod.Get, $"{Path}{query}{(limit > 0 ? $"&limit={limit}" : "")}{(next.Length > 0 ? $"&continue={next}" : "")}");
            if (code != 200)
                return null;
            pages.Add(new ListPage(Revision(answer!.GetMap("metadata")!), [.. answer.GetList("items")!.Cast<JsonMap>().Select(ItemOf).Where(one => one.Key[0] == OwnKeys)]));
            next = answer.GetMap("metadata")!.GetString("continue") ?? "";
            query = "?";
        }
        while (next.Length > 0);
        recorder.Add(new ListOp(client, start, recorder.Now(), exact, pages));
        return pages[0].Revision;
    }

    public static bool IsOwn(JsonMap obj) => (obj.GetPath("metadata", "name") as string)?[0] == OwnKeys;

    public static Item ItemOf(JsonMap obj) =>
        new((string)obj.GetPath("metadata", "name")!, obj.GetPath("data", "v") as string ?? "", Revision(obj.GetMap("metadata")!));

    public static long Revision(JsonMap metadata) => long.Parse(metadata.GetString("resourceVersion")!, CultureInfo.InvariantCulture);

    /// <summary>Code 0: no answer, or none to its end.</summary>
    private async Task<(int Code, JsonMap? Answer)> SendAsync(HttpMethod method, string path, JsonMap? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new ByteArrayContent(JsonEncoder.Encode(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.SendAsync(request);
            return ((int)response.StatusCode, JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync()));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return (0, null);
        }
    }

    /// <summary>The lines of a watch; ends where the connection does.</summary>
    public async IAsyncEnumerable<JsonMap> WatchAsync(string query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        HttpResponseMessage? response = null;
        try
        {
            response = await http.GetAsync($"{Path}?watch=1&{query}", HttpCompletionOption.ResponseHeadersRead, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
        }
        if (response is null)
            yield break;
        using (response)
        {
            if (response.StatusCode != HttpStatusCode.OK)
            {
                yield return new JsonMap { ["type"] = "ERROR", ["object"] = new JsonMap { ["code"] = (long)response.StatusCode } };
                yield break;
            }
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
            while (await LineAsync(reader, cancel) is { } line)
                yield return line;
        }
    }

    private static async Task<JsonMap?> LineAsync(StreamReader reader, CancellationToken cancel)
    {
        try
        {
            return await reader.ReadLineAsync(cancel) is { Length: > 0 } line ? JsonParser.ParseMap(Encoding.UTF8.GetBytes(line)) : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return null; // a cut may leave half a line
        }
    }
}

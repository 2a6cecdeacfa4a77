using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;

namespace Timonier.ApiServer.Tests.Peer;

/// <summary>
/// What kube-apiserver says of wrong objects: good ones of <c>faults.json</c>, each with one field changed or taken away. To record the answers anew, set TIMONIER_RECORD to 1,
/// TIMONIER_PEER to the address of a server with a namespace p1, and TIMONIER_PEER_TOKEN to an administrator's token; read the diff. Recorded from 1.20.2, where 1.36 says the same.
/// </summary>
public sealed class RecordedFaultsTests
{
    private static readonly string File = Path.Combine(SourceFolder(), "faults.json");

    [Fact]
    public async Task WrongObject_IsRefusedAsKubeApiserverDoes()
    {
        var cases = JsonParser.ParseMap(await System.IO.File.ReadAllBytesAsync(File));
        await using var server = await TestServer.StartAsync(o => o with { Strategies = Strategies.Given.Strategies(new Strategies.TestReader()) });
        var record = Environment.GetEnvironmentVariable("TIMONIER_RECORD") == "1" && Environment.GetEnvironmentVariable("TIMONIER_PEER") is not null;
        using var peer = record ? Peer() : null;
        var different = new List<string>();
        foreach (var row in cases.GetList("rows")!.OfType<JsonMap>())
        {
            var (path, body) = Request(cases.GetMap("bases")!.GetMap(row.GetString("resource")!)!, row);
            var faults = await FaultsAsync(peer ?? server.Http, path, body);
            if (record)
                row["faults"] = new JsonList(faults);
            else if (!faults.SequenceEqual(row.GetList("faults")!.OfType<string>()))
                different.Add($"{row.GetString("resource")} {Encoding.UTF8.GetString(JsonEncoder.Encode(row["at"]))} {Encoding.UTF8.GetString(JsonEncoder.Encode(row["value"]))}\n  kube-apiserver: {string.Join("; ", row.GetList("faults")!)}\n  here: {string.Join("; ", faults)}");
        }
        if (record)
            await System.IO.File.WriteAllTextAsync(File, Written(cases));

        Assert.True(different.Count == 0, $"{different.Count} differ:\n{string.Join('\n', different)}");
    }

    private static (string Path, byte[] Body) Request(JsonMap good, JsonMap row)
    {
        var body = good.GetMap("object")!.DeepClone();
        var steps = row.GetList("at")!;
        object? at = body;
        foreach (var step in steps.Take(steps.Count - 1))
            at = step is long index ? ((JsonList)at!)[(int)index] : ((JsonMap)at!)[(string)step!];
        switch (steps[^1], row.ContainsKey("value"))
        {
            case (long index, true): ((JsonList)at!)[(int)index] = row["value"]; break;
            case (long index, false): ((JsonList)at!).RemoveAt((int)index); break;
            case (string key, true): ((JsonMap)at!)[key] = row["value"]; break;
            case var (key, _): ((JsonMap)at!).Remove((string)key!); break;
        }
        return (good.GetString("path")!, JsonEncoder.Encode(body));
    }

    private static async Task<List<string>> FaultsAsync(HttpClient http, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await http.PostAsync(path + "?dryRun=All", content);
        var status = JsonParser.ParseMap(await response.Content.ReadAsByteArrayAsync());
        var causes = (status.GetPath("details", "causes") as JsonList ?? []).OfType<JsonMap>().ToList();
        // 1.36 counts bytes.
        return causes.Count == 0 ? [$"{(int)response.StatusCode} {status.GetString("message")}"] : [.. causes.Select(c => $"{c.GetString("field")}: {c.GetString("message")}".Replace("63 characters", "63 bytes", StringComparison.Ordinal))];
    }

    private static HttpClient Peer()
    {
#pragma warning disable CA5399, CA5400 // A server of the recorder's own, on loopback.
        var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true }) { BaseAddress = new Uri(Environment.GetEnvironmentVariable("TIMONIER_PEER")!) };
#pragma warning restore CA5399, CA5400
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("TIMONIER_PEER_TOKEN"));
        return http;
    }

    /// <summary>A line for each object and each row.</summary>
    private static string Written(JsonMap cases)
    {
        static string Line(object? value) => Encoding.UTF8.GetString(JsonEncoder.Encode(value));
        var bases = cases.GetMap("bases")!.Select(b => $"    {JsonSerializer.Serialize(b.Key)}: {Line(b.Value)}");
        return $"{{\n  \"bases\": {{\n{string.Join(",\n", bases)}\n  }},\n  \"rows\": [\n{string.Join(",\n", cases.GetList("rows")!.Select(r => "    " + Line(r)))}\n  ]\n}}\n";
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

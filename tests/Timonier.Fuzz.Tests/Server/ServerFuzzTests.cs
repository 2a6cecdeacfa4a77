using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Timonier.Api.Json;
using Timonier.Faults.Tests.Traffic;
using Timonier.Testing.Processes;
using Xunit.Abstractions;

namespace Timonier.Fuzz.Tests.Server;

/// <summary>The whole server as a process, given requests by chance as its administrator: whatever comes, each has an answer below 500 in the API's form, and the server stays up and small.</summary>
public sealed class ServerFuzzTests(ITestOutputHelper output)
{
    private const int Workers = 4;
    private const int FindingsMax = 10;
    private const long MemoryMax = 700L << 20;
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(60);

    // The same requests on every machine, unless a time is given.
    private const int RequestsMax = 6000;

    [Fact]
    public async Task AnyRequest_HasAnAnswer()
    {
        await using var server = await TimonierServer.StartAsync("--no-node");
        using var http = AdminClient.Create(server, server.Port);
        http.Timeout = AnswerMax;
        using var body = new StringContent("""{"metadata":{"name":"fuzz"}}""", Encoding.UTF8, MediaTypeHeaderValue.Parse("application/json"));
        (await http.PostAsync("/api/v1/namespaces", body)).EnsureSuccessStatusCode();
        var budget = TimeSpan.FromSeconds(FuzzTests.Seconds ?? 20);
        var (started, findings, codes) = (Stopwatch.GetTimestamp(), new List<string>(), new Dictionary<int, int>());
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var maker = new RequestMaker(new Random(FuzzTests.Seed + worker));
            for (var sent = 0; (sent < RequestsMax / Workers || FuzzTests.Seconds is not null) && Stopwatch.GetElapsedTime(started) < budget && findings.Count < FindingsMax; sent++)
            {
                var request = maker.Make();
                var (code, finding) = await SendAsync(http, request);
                lock (findings)
                {
                    codes[code] = codes.GetValueOrDefault(code) + 1;
                    if (finding is not null)
                        findings.Add($"{finding}: {request}");
                }
            }
        }));
        var memory = await MemoryAsync(server.ProcessId);
        output.WriteLine($"seed {FuzzTests.Seed}, {codes.Values.Sum()} requests, {memory >> 20} MiB; {string.Join(", ", codes.OrderBy(one => one.Key).Select(one => $"{one.Value} times {one.Key}"))}");
        if (findings.Count > 0)
            findings.AddRange((await File.ReadAllLinesAsync(server.Log)).Where(line => line.Contains("fail:", StringComparison.Ordinal)).Select(line => line[..Math.Min(line.Length, 1500)]).TakeLast(FindingsMax));
        Assert.True(findings.Count == 0, string.Join("\n\n", findings));
        Assert.True((await http.GetAsync("/readyz")).IsSuccessStatusCode);
        Assert.InRange(memory, 1, MemoryMax);
        Assert.True(codes.GetValueOrDefault(200) + codes.GetValueOrDefault(201) > 0 && codes.Values.Sum() > 50, "no test");
    }

    private static async Task<(int Code, string? Finding)> SendAsync(HttpClient http, FuzzRequest request)
    {
        var uri = new Uri(http.BaseAddress + request.PathAndQuery.TrimStart('/').Replace("é", "%C3%A9", StringComparison.Ordinal).Replace(" ", "%20", StringComparison.Ordinal), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), uri);
        message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }
        try
        {
            using var response = await http.SendAsync(message);
            var code = (int)response.StatusCode;
            var answer = await response.Content.ReadAsByteArrayAsync();
            return (code, code >= 500 && !IsOperating(request, code, answer) ? $"{code} {Encoding.UTF8.GetString(answer, 0, Math.Min(answer.Length, 500))}" : FormOf(request, code, response, answer));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return (0, $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>Answers that say what is so: a revision that is not reached, a service or node that nothing runs behind, a time limit of the client's.</summary>
    private static bool IsOperating(FuzzRequest request, int code, byte[] answer) => code switch
    {
        // The second is upstream's own answer, code and all, to a create with a resourceVersion.
        500 => answer.AsSpan().IndexOf("error dialing backend"u8) >= 0 || answer.AsSpan().IndexOf("resourceVersion should not be set on objects to be created"u8) >= 0,
        503 => request.PathAndQuery.Contains("/proxy", StringComparison.Ordinal) || request.PathAndQuery.Contains("metrics.k8s.io", StringComparison.Ordinal),
        504 => answer.AsSpan().IndexOf("Too large resource version"u8) >= 0 || request.PathAndQuery.Contains("timeout=", StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>A refusal is a Status.</summary>
    private static string? FormOf(FuzzRequest request, int code, HttpResponseMessage response, byte[] answer)
    {
        if (code < 400 || request.Method == "HEAD" || response.Content.Headers.ContentType?.MediaType != "application/json")
            return null;
        try
        {
            return JsonParser.ParseMap(answer).GetString("kind") == "Status" ? null : $"{code} without a Status: {Encoding.UTF8.GetString(answer)}";
        }
        catch (JsonException e)
        {
            return $"{code} with a broken body: {e.Message}";
        }
    }

    /// <summary>VmRSS of proc(5), in bytes.</summary>
    private static async Task<long> MemoryAsync(int process)
    {
        var line = (await File.ReadAllLinesAsync($"/proc/{process}/status")).First(one => one.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}

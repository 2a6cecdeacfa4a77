using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Content;
using Timonier.ApiServer.Requests;

namespace Timonier.ApiServer.Http;

/// <summary>The paths that are about the server: /, /healthz, /livez, /readyz, /version, /metrics.</summary>
internal sealed class ServerPaths(ServerCore core, Metrics metrics) : IRequestHandler
{
    /// <summary>The level that is served. What clients parse says so, and nothing else.</summary>
    public const string GitVersion = "v1.36.2";

    /// <summary>Clients want a hash here; there is no commit of upstream's that this is.</summary>
    private const string NoCommit = "0000000000000000000000000000000000000000";

    /// <summary>A start anew would not help: they say something of readiness, nothing of life.</summary>
    private static readonly string[] OfReadiness = ["shutdown", "storage-space"];

    /// <summary>Each with what must hold; upstream's names where they exist.</summary>
    private static readonly (string Name, Func<ServerCore, bool> Holds)[] Checks =
    [
        ("ping", _ => true),
        ("log", _ => true),
        ("etcd", c => c.Store.Revision > 0),
        ("storage-space", c => !c.Store.IsFull),
        ("informer-sync", c => c.Dispatcher.Revision > 0),
        ("poststarthook/start-apiserver-admission-initializer", _ => true),
        ("poststarthook/start-kube-apiserver-admission-initializer", _ => true),
        // One dispatcher feeds all informers, that of the definitions too.
        ("poststarthook/generic-apiserver-start-informers", c => c.Dispatcher.Revision > 0),
        ("poststarthook/start-apiextensions-informers", c => c.Dispatcher.Revision > 0),
        ("poststarthook/start-apiextensions-controllers", c => c.Dispatcher.Revision > 0),
        ("poststarthook/crd-informer-synced", c => c.Dispatcher.Revision > 0),
        ("poststarthook/priority-and-fairness-config-consumer", c => c.Flows.Table.Routes.Length > 0),
        ("shutdown", c => !c.Stopping.IsCancellationRequested),
    ];

    public bool Handles(RequestInfo request) =>
        !request.IsResource && (request.Path is "/version" or "/version/" or "/metrics" or "/" || CheckOf(request.Path) is not null);

    public Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        // Upstream routes this one; the others answer every method.
        if (request.Path.StartsWith("/version", StringComparison.Ordinal) && request.Verb != "get")
            throw Routes.MethodNotAllowed();
        switch (request.Path.TrimEnd('/'))
        {
            case "/version":
                return WriteAsync(context, "application/json", ObjectForms.Encode(Version(), WireForm.Json, true, null));
            case "/metrics":
                return WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8", metrics.Write());
            case "":
                return WriteAsync(context, "application/json", ObjectForms.Encode(Paths(), WireForm.Json, true, null));
            default:
                return HealthAsync(context, CheckOf(request.Path)!.Value);
        }
    }

    private static JsonMap Version() => new()
    {
        ["major"] = "1", ["minor"] = "36", ["emulationMajor"] = "1", ["emulationMinor"] = "36", ["minCompatibilityMajor"] = "1", ["minCompatibilityMinor"] = "35",
        ["gitVersion"] = GitVersion, ["gitCommit"] = NoCommit, ["gitTreeState"] = "clean", ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "go1.26", ["compiler"] = "gc", ["platform"] = "linux/amd64",
    };

    private JsonMap Paths()
    {
        var paths = new SortedSet<string>(StringComparer.Ordinal) { "/api", "/apis", "/healthz", "/livez", "/readyz", "/metrics", "/version", "/openapi/v2", "/openapi/v3" };
        foreach (var resource in core.Registry.Table.Resources)
        {
            var groupVersion = resource.Schema.GroupVersion;
            paths.Add(groupVersion.Group.Length == 0 ? $"/api/{groupVersion}" : $"/apis/{groupVersion.Group}");
            if (groupVersion.Group.Length > 0)
                paths.Add($"/apis/{groupVersion}");
        }
        return new JsonMap { ["paths"] = new JsonList(paths) };
    }

    private static (string Endpoint, string? Single)? CheckOf(string path)
    {
        var parts = path.Split('/', 3, StringSplitOptions.RemoveEmptyEntries);
        return parts is [("healthz" or "livez" or "readyz"), ..] && parts.Length <= 2 ? (parts[0], parts.Length == 2 ? parts[1] : null) : null;
    }

    private Task HealthAsync(HttpContext context, (string Endpoint, string? Single) check)
    {
        var checks = Checks.Concat(core.Options.Checks.Select(c => (c.Name, (Func<ServerCore, bool>)(_ => c.Holds())))).Where(c => check.Endpoint != "livez" || !OfReadiness.Contains(c.Name)).ToList();
        if (check.Single is { } single)
        {
            checks = [.. checks.Where(c => c.Name == single)];
            if (checks.Count == 0)
                return Responder.WritePageNotFoundAsync(context).AsTask();
        }
        var excluded = context.Request.Query["exclude"];
        var (text, healthy) = (new StringBuilder(), true);
        if (excluded.Where(e => !checks.Any(c => c.Name == e)).ToList() is { Count: > 0 } unknown)
            text.Append(CultureInfo.InvariantCulture, $"warn: some health checks cannot be excluded: no matches for {string.Join(',', unknown.Select(u => $"\"{u}\""))}\n");
        foreach (var (name, holds) in checks)
        {
            if (excluded.Contains(name))
            {
                text.Append($"[+]{name} excluded: ok\n");
                continue;
            }
            var ok = holds(core);
            healthy &= ok;
            text.Append(ok ? $"[+]{name} ok\n" : $"[-]{name} failed: reason withheld\n");
        }
        text.Append(healthy ? $"{check.Endpoint} check passed\n" : $"{check.Endpoint} check failed\n");
        context.Response.StatusCode = healthy ? 200 : 500;
        var verbose = !healthy || context.Request.Query.ContainsKey("verbose");
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return WriteAsync(context, "text/plain; charset=utf-8", verbose ? Encoding.UTF8.GetBytes(text.ToString()) : "ok"u8.ToArray());
    }

    private static Task WriteAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        context.Response.Headers.CacheControl = "no-cache, private";
        return context.Response.Body.WriteAsync(body).AsTask();
    }
}

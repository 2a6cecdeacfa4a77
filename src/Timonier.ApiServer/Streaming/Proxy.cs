using System.Net;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Registry;
using Timonier.ApiServer.Requests;
using Timonier.Client.Node;

namespace Timonier.ApiServer.Streaming;

/// <summary>pods, services and nodes NAME/proxy/PATH: HTTP through to the pod, an endpoint of the service, or the kubelet.</summary>
internal static class Proxy
{
    public static async Task HandleAsync(ApiCall call)
    {
        await NodeCalls.AdmitAsync(call);
        // Relative links of a page lead nowhere unless its own path ends with a slash.
        if (call.Info.Rest.Length == 0 && (call.Http.Request.Method is "GET" or "HEAD") && call.Http.Request.Headers.Upgrade.Count == 0)
        {
            call.Http.Response.StatusCode = (int)HttpStatusCode.MovedPermanently;
            call.Http.Response.Headers.Location = call.Info.Path + "/" + call.Http.Request.QueryString;
            return;
        }
        if (call.Schema.Plural == "nodes")
        {
            await NodeAsync(call);
            return;
        }
        var (scheme, name, port) = Split(call.Info.Name);
        var address = call.Schema.Plural == "pods" ? PodAddress(call, name, port) : ServiceAddress(call, name, port, ref scheme);
        var target = new Uri($"{(scheme.Length > 0 ? scheme : "http")}://{address}{(call.Info.Rest.Length > 0 ? call.Info.Rest : "/")}{call.Http.Request.QueryString}");
        var prefix = call.Info.Path[..^call.Info.Rest.Length];
        await Forwarder.ForwardAsync(call.Http, call.Core.ProxyClient, new ForwardedRequest(target) { LocationPrefix = prefix });
    }

    private static async Task NodeAsync(ApiCall call)
    {
        var (_, name, _) = Split(call.Info.Name);
        if (!call.Store.TryGet("", name, out _))
            throw call.NotFound(name);
        try
        {
            var answer = await NodeCalls.Node(call, name).GetAsync((call.Info.Rest.Length > 0 ? call.Info.Rest : "/") + call.Http.Request.QueryString, call.Cancel);
            call.Http.Response.StatusCode = answer.StatusCode;
            call.Http.Response.ContentType = answer.ContentType;
            await call.Http.Response.Body.WriteAsync(answer.Body, call.Cancel);
        }
        catch (NodeRequestException e)
        {
            throw NodeCalls.Refusal(e);
        }
    }

    /// <summary>"name", "name:port" or "scheme:name:port".</summary>
    private static (string Scheme, string Name, string Port) Split(string id) => id.Split(':') switch
    {
        [var name] => ("", name, ""),
        [var name, var port] => ("", name, port),
        [var scheme and ("" or "http" or "https"), var name, var port] => (scheme, name, port),
        _ => throw ApiException.BadRequest($"invalid proxy request \"{id}\""),
    };

    private static string PodAddress(ApiCall call, string name, string port)
    {
        if (!call.Store.TryGet(call.Info.Namespace, name, out var entry))
            throw call.NotFound(name);
        var pod = new EncodedObject(entry).Parse();
        if (pod.GetPath("status", "podIP") is not string { Length: > 0 } ip)
            throw ApiException.BadRequest($"address not allowed");
        if (port.Length == 0)
        {
            port = (pod.GetPath("spec", "containers") as JsonList ?? []).OfType<JsonMap>().SelectMany(c => (c.GetList("ports") ?? []).OfType<JsonMap>())
                .Select(p => p.GetInteger("containerPort")).FirstOrDefault()?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "";
        }
        return Join(ip, port);
    }

    /// <summary>A ready endpoint of the service's port, by name or number; upstream takes any one of them.</summary>
    private static string ServiceAddress(ApiCall call, string name, string port, ref string scheme)
    {
        if (!call.Store.TryGet(call.Info.Namespace, name, out var entry))
            throw call.NotFound(name);
        var service = new EncodedObject(entry).Parse();
        var ports = (service.GetPath("spec", "ports") as JsonList ?? []).OfType<JsonMap>().ToList();
        var chosen = port.Length == 0 && ports.Count == 1 ? ports[0]
            : ports.FirstOrDefault(p => p.GetString("name") == port || p.GetInteger("port")?.ToString(System.Globalization.CultureInfo.InvariantCulture) == port)
            ?? throw ApiException.ServiceUnavailable($"no service port \"{port}\" found for service \"{name}\"");
        if (scheme.Length == 0 && chosen.GetString("appProtocol") == "https")
            scheme = "https";
        var slices = call.Core.Registry.Table.StoresByResource[("discovery.k8s.io", "endpointslices")];
        foreach (var slice in call.Core.Store.Current.Range(slices.Range(call.Info.Namespace)).Select(e => new EncodedObject(e).Parse()))
        {
            if ((slice.GetPath("metadata", "labels") as JsonMap)?.GetString("kubernetes.io/service-name") != name)
                continue;
            var at = (slice.GetList("ports") ?? []).OfType<JsonMap>().FirstOrDefault(p => (p.GetString("name") ?? "") == (chosen.GetString("name") ?? ""))?.GetInteger("port");
            var ready = (slice.GetList("endpoints") ?? []).OfType<JsonMap>().FirstOrDefault(e => e.GetPath("conditions", "ready") is not false);
            if (at is not null && ready?.GetList("addresses") is [string ip, ..])
                return Join(ip, at.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        throw ApiException.ServiceUnavailable($"no endpoints available for service \"{name}\"");
    }

    private static string Join(string ip, string port)
    {
        var host = ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]" : ip;
        return port.Length > 0 ? $"{host}:{port}" : host;
    }
}

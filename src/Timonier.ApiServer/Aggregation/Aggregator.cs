using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;
using Timonier.Api.Apiregistration.V1;
using Timonier.Api.Errors;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Cache;
using Timonier.ApiServer.Http;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Streaming;

namespace Timonier.ApiServer.Aggregation;

/// <summary>
/// Passes requests for the group versions that an APIService gives to another server on to it, with who asks in the front proxy's headers.
/// It follows the APIService objects as they change.
/// </summary>
/// <param name="proxyCertificate">That shows the other servers that we are the front proxy; null for none.</param>
public sealed class Aggregator(ObjectReader reader, X509Certificate2? proxyCertificate) : IRequestHandler, IDisposable
{
    internal const string OwnPrefix = "X-Remote-";

    private readonly System.Runtime.CompilerServices.StrongBox<long> _changes = reader.Changes(APIService.Resource);
    private volatile Table _table = new(-1, []);

    private sealed record Table(long Change, Dictionary<(string Group, string Version), APIService> Remote);

    internal RemoteClients Clients { get; } = new(reader, proxyCertificate);

    public void Dispose() => Clients.Dispose();

    public bool Handles(RequestInfo request) => Find(request) is not null;

    public async Task HandleAsync(HttpContext context, RequestInfo request, UserInfo user)
    {
        var service = Find(request)!;
        if (service.Status.Conditions.FirstOrDefault(c => c.Type == "Available") is not { Status: "True" })
        {
            await UnavailableAsync(context);
            return;
        }
        var target = new Uri($"https://{RemoteClients.Host(service.Spec)}{context.Request.Path.ToUriComponent()}{context.Request.QueryString.ToUriComponent()}");
        try
        {
            await Forwarder.ForwardAsync(context, Clients.For(service.Spec), new ForwardedRequest(target) { Headers = Identity(user), OwnPrefix = OwnPrefix });
        }
        catch (ApiException e) when (e.Code == 503 && !context.Response.HasStarted)
        {
            await UnavailableAsync(context);
        }
    }

    private Dictionary<(string, string), APIService> Remote
    {
        get
        {
            var change = Volatile.Read(ref _changes.Value);
            var table = _table;
            if (table.Change != change)
                _table = table = new(change, reader.List<APIService>().Where(s => s.Spec.Service is not null).ToDictionary(s => (s.Spec.Group, s.Spec.Version)));
            return table.Remote;
        }
    }

    private APIService? Find(RequestInfo request)
    {
        var remote = Remote;
        if (remote.Count == 0)
            return null;
        if (request.IsResource)
            return request.Prefix == "apis" ? remote.GetValueOrDefault((request.Group, request.Version)) : null;
        return request.Path.Trim('/').Split('/') switch
        {
            ["apis", var group, var version, ..] => remote.GetValueOrDefault((group, version)),
            ["openapi", "v3", "apis", var group, var version] => remote.GetValueOrDefault((group, version)),
            _ => null,
        };
    }

    /// <summary>Who asks, as the other server's request header authentication reads it.</summary>
    internal static List<KeyValuePair<string, string>> Identity(UserInfo user)
    {
        var headers = new List<KeyValuePair<string, string>> { new(FrontProxyAuthenticator.UserHeader, HeaderLines.Join([user.Name])) };
        if (user.Uid.Length > 0)
            headers.Add(new(FrontProxyAuthenticator.UidHeader, HeaderLines.Join([user.Uid])));
        if (user.Groups.Count > 0)
            headers.Add(new(FrontProxyAuthenticator.GroupHeader, HeaderLines.Join(user.Groups)));
        headers.AddRange(user.Extra.Select(extra => new KeyValuePair<string, string>(FrontProxyAuthenticator.ExtraPrefix + Uri.EscapeDataString(extra.Key), HeaderLines.Join(extra.Value))));
        return headers;
    }

    /// <summary>Plain text: upstream's aggregator answers no Status, and clients put their own words to the code.</summary>
    private static Task UnavailableAsync(HttpContext context)
    {
        var text = Encoding.UTF8.GetBytes("service unavailable\n");
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = text.Length;
        return context.Response.Body.WriteAsync(text).AsTask();
    }
}

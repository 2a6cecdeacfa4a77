using System.Text;
using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Client;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>Fills Secrets of type kubernetes.io/service-account-token with the token of the account that they name; they go with the account.</summary>
public sealed class TokenSecretController : IControllerLoop, IDisposable
{
    internal const string SecretType = "kubernetes.io/service-account-token";
    internal const string AccountName = "kubernetes.io/service-account.name";
    internal const string AccountUid = "kubernetes.io/service-account.uid";

    private readonly ApiClient _client;
    private readonly Informer<Secret> _secrets;
    private readonly ControllerLoop<NamespacedName> _loop;
    private readonly ServiceAccountIssuer _issuer;
    private readonly byte[] _rootCa;

    /// <param name="rootCaPem">By which the token's holder knows the API server.</param>
    public TokenSecretController(ApiClient client, InformerFactory informers, ServiceAccountIssuer issuer, string rootCaPem, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _issuer, _rootCa) = (client, issuer, Encoding.UTF8.GetBytes(rootCaPem));
        // The other secrets are nobody's business here.
        _secrets = informers.For<Secret>(new(FieldSelector: $"type={SecretType}"));
        _loop = new(Name, ReconcileAsync, time, loggers.CreateLogger<TokenSecretController>(), _secrets.WaitForSyncAsync) { Workers = 1 };
        _secrets.AddHandler(new() { Added = Look, Updated = (_, secret) => Look(secret) });
        informers.For<ServiceAccount>().AddHandler(new() { Added = LookAtSecrets, Deleted = LookAtSecrets });
    }

    public string Name => "legacy-serviceaccount-token-controller";

    public QueueFigures Figures => _loop.Figures;

    public Task RunAsync(CancellationToken cancellationToken) => _loop.RunAsync(cancellationToken);

    public Task<bool> TryWorkAsync(CancellationToken cancellationToken = default) => _loop.TryWorkAsync(cancellationToken);

    public void Dispose() => _loop.Dispose();

    /// <summary>The secret as it should be; null when it is right.</summary>
    internal static Secret? Fill(Secret secret, ServiceAccount account, ServiceAccountIssuer issuer, byte[] rootCa)
    {
        var @namespace = Encoding.UTF8.GetBytes(account.Metadata.Namespace);
        var token = secret.Data.GetValueOrDefault("token") is { Length: > 0 };
        if (token && secret.Metadata.Annotations.GetValueOrDefault(AccountUid) == account.Metadata.Uid && Has("ca.crt", rootCa) && Has("namespace", @namespace))
            return null;
        var data = new Dictionary<string, byte[]>(secret.Data) { ["ca.crt"] = rootCa, ["namespace"] = @namespace };
        if (!token)
            data["token"] = Encoding.ASCII.GetBytes(issuer.IssueLegacy(account, secret.Metadata.Name));
        return secret with { Data = data, Metadata = secret.Metadata with { Annotations = new Dictionary<string, string>(secret.Metadata.Annotations) { [AccountUid] = account.Metadata.Uid } } };

        bool Has(string key, byte[] value) => secret.Data.GetValueOrDefault(key) is { } known && known.AsSpan().SequenceEqual(value);
    }

    private async Task ReconcileAsync(NamespacedName key, CancellationToken cancel)
    {
        if (_secrets.Get(key) is not { Metadata.DeletionTimestamp: null } secret)
            return;
        // A cache that does not show the account is no evidence that there is none.
        var account = await _client.TryGetAsync<ServiceAccount>(key.Namespace, secret.Metadata.Annotations[AccountName], cancel);
        if (account is null || secret.Metadata.Annotations.GetValueOrDefault(AccountUid, account.Metadata.Uid) != account.Metadata.Uid)
        {
            await DeleteAsync(secret, cancel);
            return;
        }
        if (Fill(secret, account, _issuer, _rootCa) is { } filled)
            await _client.UpdateAsync(filled, cancel);
    }

    private async Task DeleteAsync(Secret secret, CancellationToken cancel)
    {
        try
        {
            await _client.DeleteAsync<Secret>(secret.Metadata.Namespace, secret.Metadata.Name, new() { Preconditions = new() { Uid = secret.Metadata.Uid } }, cancel);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }

    private void Look(Secret secret)
    {
        if (secret.Metadata.Annotations.ContainsKey(AccountName))
            _loop.Queue.Add(NamespacedName.Of(secret.Metadata));
    }

    private void LookAtSecrets(ServiceAccount account)
    {
        foreach (var secret in _secrets.List(account.Metadata.Namespace))
        {
            if (secret.Metadata.Annotations.GetValueOrDefault(AccountName) == account.Metadata.Name)
                _loop.Queue.Add(NamespacedName.Of(secret.Metadata));
        }
    }
}

using Microsoft.Extensions.Logging;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Meta.V1;
using Timonier.Client;

namespace Timonier.ApiServer.Authentication.Tokens;

/// <summary>
/// As clusters before 1.24 had it, for programs that still expect it (feature gate LegacyServiceAccountTokenNoAutoGeneration=false): each service
/// account names one token Secret in its secrets, which <see cref="TokenSecretController"/> fills in.
/// </summary>
public sealed class LegacyTokenController : IControllerLoop, IDisposable
{
    private readonly ApiClient _client;
    private readonly Informer<ServiceAccount> _accounts;
    private readonly ControllerLoop<NamespacedName> _loop;
    private readonly Func<string> _newSuffix;

    /// <param name="newSuffix">Five letters for the name of a Secret.</param>
    public LegacyTokenController(ApiClient client, InformerFactory informers, Func<string> newSuffix, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _accounts, _newSuffix) = (client, informers.For<ServiceAccount>(), newSuffix);
        _loop = new(Name, ReconcileAsync, time, loggers.CreateLogger<LegacyTokenController>(), _accounts.WaitForSyncAsync) { Workers = 1 };
        _accounts.OnChange(account => _loop.Queue.Add(NamespacedName.Of(account.Metadata)));
        informers.For<Secret>(new(FieldSelector: $"type={TokenSecretController.SecretType}")).AddHandler(new()
        {
            Deleted = secret => _loop.Queue.Add(new(secret.Metadata.Namespace, secret.Metadata.Annotations.GetValueOrDefault(TokenSecretController.AccountName, ""))),
        });
    }

    public string Name => "legacy-serviceaccount-token-generator";

    public QueueFigures Figures => _loop.Figures;

    public Task RunAsync(CancellationToken cancellationToken) => _loop.RunAsync(cancellationToken);

    public Task<bool> TryWorkAsync(CancellationToken cancellationToken = default) => _loop.TryWorkAsync(cancellationToken);

    public void Dispose() => _loop.Dispose();

    private async Task ReconcileAsync(NamespacedName key, CancellationToken cancel)
    {
        if (_accounts.Get(key) is not { Metadata.DeletionTimestamp: null })
            return;
        // Both are read anew: a cache that lags behind would make a second token.
        var account = await _client.TryGetAsync<ServiceAccount>(key.Namespace, key.Name, cancel);
        if (account is null)
            return;
        var (kept, hasToken) = (new List<ObjectReference>(), false);
        foreach (var reference in account.Secrets)
        {
            var secret = await _client.TryGetAsync<Secret>(key.Namespace, reference.Name, cancel);
            var isToken = secret?.Type == TokenSecretController.SecretType && secret.Metadata.Annotations.GetValueOrDefault(TokenSecretController.AccountName) == key.Name;
            hasToken |= isToken;
            // A name that somebody wrote for a Secret to come stays; only our own go with theirs.
            if (secret is not null || !reference.Name.StartsWith(key.Name + "-token-", StringComparison.Ordinal))
                kept.Add(reference);
        }
        if (hasToken && kept.Count == account.Secrets.Count)
            return;
        var made = hasToken ? null : await CreateAsync(account, cancel);
        if (made is not null)
            kept.Add(new ObjectReference { Name = made.Metadata.Name });
        await UpdateAsync(account with { Secrets = kept }, made, cancel);
    }

    private async Task<Secret> CreateAsync(ServiceAccount account, CancellationToken cancel) => await _client.CreateAsync(new Secret
    {
        Metadata = new ObjectMeta
        {
            Name = $"{account.Metadata.Name}-token-{_newSuffix()}", Namespace = account.Metadata.Namespace,
            Annotations = new Dictionary<string, string> { [TokenSecretController.AccountName] = account.Metadata.Name, [TokenSecretController.AccountUid] = account.Metadata.Uid },
        },
        Type = TokenSecretController.SecretType,
    }, cancel);

    private async Task UpdateAsync(ServiceAccount account, Secret? made, CancellationToken cancel)
    {
        try
        {
            await _client.UpdateAsync(account, cancel);
        }
        catch (ApiException) when (made is not null)
        {
            // Nobody names it now: the next try makes its own.
            await _client.DeleteAsync<Secret>(made.Metadata.Namespace, made.Metadata.Name, new(), cancel);
            throw;
        }
    }
}

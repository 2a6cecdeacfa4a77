using Timonier.Store;

namespace Timonier.ApiServer.Encryption.Kms;

/// <summary>The plugin can't be reached, refuses, or answers what makes no sense.</summary>
public sealed class KmsException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>What a plugin says of itself.</summary>
/// <param name="Healthz">"ok", or what is wrong.</param>
/// <param name="KeyId">The key that it encrypts with now.</param>
internal sealed record KmsStatus(string Version, string Healthz, string KeyId);

/// <summary>A sealed seed.</summary>
/// <param name="Annotations">The plugin's own, entry by entry as they came.</param>
internal sealed record KmsSealed(byte[] Ciphertext, string KeyId, IReadOnlyList<byte[]> Annotations);

/// <summary>v2.KeyManagementService. Every call has its time limit, and throws <see cref="KmsException"/>.</summary>
internal interface IKmsPlugin
{
    Task<KmsStatus> StatusAsync(CancellationToken cancel);

    Task<KmsSealed> EncryptAsync(byte[] plain, CancellationToken cancel);

    Task<byte[]> DecryptAsync(KmsSealed value, CancellationToken cancel);
}

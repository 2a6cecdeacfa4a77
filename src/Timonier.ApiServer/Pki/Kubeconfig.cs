using System.Text;

namespace Timonier.ApiServer.Pki;

/// <summary>Writes kubeconfig files (v1 Config) with one cluster, user and context, everything inside the file.</summary>
public static class Kubeconfig
{
    /// <param name="server">"https://127.0.0.1:6443".</param>
    public static string ForCertificate(string cluster, string server, string authorityPem, string user, string certificatePem, string keyPem) =>
        Text(cluster, server, authorityPem, user, $"    client-certificate-data: {Encode(certificatePem)}\n    client-key-data: {Encode(keyPem)}\n");

    public static string ForToken(string cluster, string server, string authorityPem, string user, string token) =>
        Text(cluster, server, authorityPem, user, $"    token: {token}\n");

    private static string Text(string cluster, string server, string authorityPem, string user, string credentials) =>
        $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: {cluster}
          cluster:
            certificate-authority-data: {Encode(authorityPem)}
            server: {server}
        contexts:
        - name: {cluster}
          context:
            cluster: {cluster}
            user: {user}
        current-context: {cluster}
        preferences: {"{}"}
        users:
        - name: {user}
          user:

        """ + credentials;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Timonier.Api.Certificates.V1;
using Timonier.Api.Errors;
using Timonier.ApiServer.Pki;
using Timonier.ApiServer.Tests.Strategies;
using Timonier.ApiServer.Validation;

namespace Timonier.ApiServer.Tests.Validation;

public sealed class CertificateValidationTests
{
    private const string Decided = """{"conditions":[{"type":"Approved","status":"True","reason":"r"}]}""";

    private static readonly byte[] Request = Csr(_ => { });

    private static byte[] Csr(Action<SubjectAlternativeNameBuilder> names, string subject = "CN=jane")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var builder = new SubjectAlternativeNameBuilder();
        names(builder);
        if (builder.Build().RawData.Length > 2)
            request.CertificateExtensions.Add(builder.Build());
        return Encoding.ASCII.GetBytes(request.CreateSigningRequestPem());
    }

    private static CertificateSigningRequest Object(string spec = "", string status = "{}") => Given.Object<CertificateSigningRequest>(
        "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"signerName\":\"example.com/s\",\"usages\":[\"client auth\"],\"request\":\"" + Convert.ToBase64String(Request) + "\"" + spec + "},\"status\":" + status + "}");

    private static string Faults(CertificateSigningRequest obj, CertificateSigningRequest? old = null, string subresource = "")
    {
        var errors = new FieldErrors();
        CertificateValidation.Validate(obj, old, errors);
        if (old is not null)
            CertificateValidation.CheckUpdate(obj, old, subresource == "approval", subresource == "status", errors);
        return Given.Lines(errors);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(",\"usages\":[\"client auth\",\"client auth\"]", "spec.usages[1]: Duplicate value: \"client auth\"")]
    [InlineData(",\"signerName\":\"kubernetes.io/legacy-unknown\"", "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName is not allowed via this API version")]
    [InlineData(",\"signerName\":\"short\"", "spec.signerName: Invalid value: \"short\": must be a fully qualified domain and path of the form 'example.com/signer-name'")]
    [InlineData(",\"expirationSeconds\":599", "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)")]
    [InlineData(",\"usages\":[]", "spec.usages: Required value")]
    public void NewRequest_IsChecked(string spec, string fault) => Assert.Equal(fault, Faults(Object(spec)));

    [Fact]
    public void UnknownUsage_IsRefusedWithAllThatAreKnown() =>
        Assert.StartsWith("spec.usages[0]: Unsupported value: \"tea making\": supported values: \"any\", \"cert sign\", \"client auth\"", Faults(Object(",\"usages\":[\"tea making\"]")), StringComparison.Ordinal);

    [Fact]
    public void RequestThatIsNone_IsRefused()
    {
        Assert.Contains("PEM block type must be CERTIFICATE REQUEST", Faults(Object(",\"request\":\"eA==\"")), StringComparison.Ordinal);
        // Signed with another key than the one it asks for.
        var forged = Encoding.ASCII.GetString(Request).Split('\n');
        forged[^2] = Encoding.ASCII.GetString(Csr(_ => { })).Split('\n')[^2];
        Assert.Contains("unable to parse csr", Faults(Object(",\"request\":\"" + Convert.ToBase64String(Encoding.ASCII.GetBytes(string.Join('\n', forged))) + "\"")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"conditions":[{"type":"Approved","status":"False"}]}""", "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"")]
    [InlineData("""{"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"True"}]}""", "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive")]
    [InlineData("""{"conditions":[{"type":"Mine","status":"True"},{"type":"Mine","status":"True"}]}""", "status.conditions[1].type: Duplicate value: \"Mine\"")]
    [InlineData("""{"conditions":[{"type":"Mine"}]}""", "status.conditions[0].status: Required value")]
    [InlineData("""{"certificate":"eA=="}""", "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block")]
    public void Status_IsChecked(string status, string fault) => Assert.Equal(fault, Faults(Object(status: status), Object(), status.Contains("certificate", StringComparison.Ordinal) ? "status" : "approval"));

    [Theory]
    [InlineData("{}", Decided, "approval", "")]
    [InlineData("{}", Decided, "status", "status.conditions: Forbidden: updates may not add a condition of type \"Approved\"")]
    [InlineData(Decided, "{}", "approval", "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"")]
    [InlineData(Decided, """{"conditions":[{"type":"Approved","status":"True","reason":"other"}]}""", "status", "status.conditions: Forbidden: updates may not modify a condition of type \"Approved\"")]
    [InlineData(Decided, """{"conditions":[{"type":"Approved","status":"True","reason":"r"},{"type":"Failed","status":"True"}]}""", "status", "")]
    [InlineData("""{"conditions":[{"type":"Failed","status":"True"}]}""", "{}", "status", "status.conditions: Forbidden: updates may not remove a condition of type \"Failed\"")]
    public void Decisions_AreMadeOnceAndByApproval(string before, string after, string subresource, string fault) => Assert.Equal(fault, Faults(Object(status: after), Object(status: before), subresource));

    [Theory]
    [InlineData("DNS", "kubernetes.io/kube-apiserver-client-kubelet", "DNS subjectAltNames are not allowed")]
    [InlineData("IP", "kubernetes.io/kube-apiserver-client-kubelet", "IP subjectAltNames are not allowed")]
    [InlineData("Email", "kubernetes.io/kube-apiserver-client-kubelet", "Email subjectAltNames are not allowed")]
    [InlineData("Email", "kubernetes.io/kubelet-serving", "DNS or IP subjectAltName is required")]
    [InlineData("DNS,URI", "kubernetes.io/kubelet-serving", "URI subjectAltNames are not allowed")]
    [InlineData("DNS,IP", "kubernetes.io/kubelet-serving", null)]
    public void NamesOfNodes_AreThoseThatTheirSignersAllow(string kinds, string signer, string? fault)
    {
        var request = Csr(names =>
        {
            if (kinds.Contains("DNS", StringComparison.Ordinal))
                names.AddDnsName("n1");
            if (kinds.Contains("IP", StringComparison.Ordinal))
                names.AddIpAddress(System.Net.IPAddress.Loopback);
            if (kinds.Contains("Email", StringComparison.Ordinal))
                names.AddEmailAddress("a@example.com");
            if (kinds.Contains("URI", StringComparison.Ordinal))
                names.AddUri(new Uri("spiffe://x/y"));
        }, "O=system:nodes, CN=system:node:n1");
        Assert.Equal(fault, CertificateSigning.Fault(signer, request, [signer == CertificateSigning.KubeletServing ? "server auth" : "client auth", "digital signature"]));
    }
}

using Timonier.Api.Certificates.V1;
using Timonier.Controllers.CertificateCleanup;

namespace Timonier.Controllers.Tests.CertificateCleanup;

public sealed class CertificateCleanerTests : ControllerTest
{
    [Theory]
    [InlineData("", false, 24)]
    [InlineData("Denied", false, 1)]
    [InlineData("Failed", false, 1)]
    [InlineData("Approved", true, 1)]
    [InlineData("Approved", false, null)]
    public async Task Request_GoesWhenNobodyWaitsForIt(string condition, bool signed, int? hours)
    {
        using var cleaner = new CertificateCleaner(Context);
        await Client.CreateAsync(new CertificateSigningRequest
        {
            Metadata = new() { Name = "r" },
            Status = new() { Certificate = signed ? [1] : [], Conditions = condition.Length > 0 ? [new() { Type = condition, Status = "True", LastUpdateTime = Time.GetUtcNow() }] : [] },
        });
        await WorkAsync(cleaner);
        Time.Advance(TimeSpan.FromHours(hours ?? 1000) - TimeSpan.FromSeconds(1));
        await WorkAsync(cleaner);
        Assert.Single(await ListAsync<CertificateSigningRequest>());
        Time.Advance(TimeSpan.FromSeconds(1));
        await WorkAsync(cleaner);
        Assert.Equal(hours is null ? 1 : 0, (await ListAsync<CertificateSigningRequest>()).Count);
    }
}

namespace Timonier.Api.Tests;

public class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("1000m", "1")]
    [InlineData("0.5", "500m")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("1500Mi", "1500Mi")]
    [InlineData("0.5Gi", "512Mi")]
    [InlineData("512", "512")]
    [InlineData("1e3", "1e3")]
    [InlineData("100000", "100k")]
    [InlineData("1.5Ki", "1536")]
    [InlineData("0.5Ki", "512")]
    [InlineData("12E", "12E")]
    [InlineData("-1.5", "-1500m")]
    [InlineData("0.0000000001", "1n")]
    [InlineData("3e-3", "3e-3")]
    [InlineData("16Ei", "9223372036854775807")]
    [InlineData("-92233703685999999994999999203685999.99989994775807Ei", "-9223372036854775807")]
    public void Text_IsWrittenInCanonicalForm(string text, string canonical) => Assert.Equal(canonical, Quantity.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1.1.1")]
    [InlineData("1kk")]
    [InlineData("1 Gi")]
    [InlineData(".")]
    [InlineData("1e999")]
    [InlineData("1e-2147483648")]
    public void Text_ThatIsNoQuantity_IsRefused(string text) => Assert.False(Quantity.TryParse(text, out _));
}

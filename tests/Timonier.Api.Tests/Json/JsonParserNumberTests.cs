using System.Text;
using Timonier.Api.Json;

namespace Timonier.Api.Tests.Json;

public class JsonParserNumberTests
{
    [Theory]
    [InlineData("1", 1L)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("1.0", 1.0)]
    [InlineData("1e3", 1000.0)]
    public void Number_IsLongWhenWrittenAsInteger_ElseDouble(string text, object expected) => Assert.Equal(expected, JsonParser.Parse(Encoding.UTF8.GetBytes(text)));
}

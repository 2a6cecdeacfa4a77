namespace Timonier.Cli.Tests;

public class ArrangeTests
{
    [Theory]
    [InlineData("get pods", "get pods")]
    [InlineData("-n shop get pods", "get -n shop pods")]
    [InlineData("--namespace=shop --insecure-skip-tls-verify get pods -A", "get --namespace=shop --insecure-skip-tls-verify pods -A")]
    [InlineData("--kubeconfig x --context y exec p -- ls -n", "exec --kubeconfig x --context y p -- ls -n")]
    [InlineData("--help", "--help")]
    [InlineData("-n shop", "-n shop")]
    [InlineData("", "")]
    public void CommonFlagsBeforeTheVerb_GoBehindIt(string given, string expected) =>
        Assert.Equal(expected, string.Join(' ', KubectlCommands.Arrange(given.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
}

using Timonier.Kubelet.Images;

namespace Timonier.Kubelet.Tests.Images;

public class BuildLimitsTests
{
    [Theory]
    [InlineData(4_194_304, "96365")]
    [InlineData(32_768, "32768")]
    public void HardLimits_AreKeptAsTheyAre_AndNoLimitIsLeftAlone(long pidMax, string most) =>
        Assert.Equal(["--ulimit", $"nproc={most}:{most}"], BuildLimits.Arguments(
        [
            "Limit                     Soft Limit           Hard Limit           Units     ",
            "Max stack size            8388608              unlimited            bytes     ",
            "Max processes             1024                 96365                processes ",
            "Max open files            20000                unlimited            files     ",
        ], pidMax));

    [Fact]
    public void ThisProcess_HasLimitsThatCanBeRead() => Assert.All(BuildLimits.OfThisProcess(), a => Assert.Matches("^(--ulimit|(nproc|nofile)=[0-9]+:[0-9]+)$", a));
}

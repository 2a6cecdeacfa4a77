using Timonier.Kubelet.Images;

namespace Timonier.Kubelet.Tests.Images;

public class BuildLimitsTests
{
    [Fact]
    public void HardLimits_AreKeptAsTheyAre_AndNoLimitIsLeftAlone() =>
        Assert.Equal(["--ulimit", "nproc=96365:96365"], BuildLimits.Arguments(
        [
            "Limit                     Soft Limit           Hard Limit           Units     ",
            "Max stack size            8388608              unlimited            bytes     ",
            "Max processes             1024                 96365                processes ",
            "Max open files            20000                unlimited            files     ",
        ]));

    [Fact]
    public void ThisProcess_HasBothRows() =>
        Assert.Equal(2, File.ReadLines("/proc/self/limits").Count(l => l.StartsWith("Max processes", StringComparison.Ordinal) || l.StartsWith("Max open files", StringComparison.Ordinal)));
}

using Timonier.Kubelet.Images;

namespace Timonier.Kubelet.Tests.Images;

public sealed class ImageReferenceTests
{
    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.2", "docker.io/library/nginx:1.2")]
    [InlineData("me/app:v1", "docker.io/me/app:v1")]
    [InlineData("index.docker.io/me/app", "docker.io/me/app:latest")]
    [InlineData("localhost/app", "localhost/app:latest")]
    [InlineData("registry:5000/app", "registry:5000/app:latest")]
    [InlineData("registry.k8s.io/e2e-test-images/agnhost:2.39", "registry.k8s.io/e2e-test-images/agnhost:2.39")]
    [InlineData("app@sha256:0123", "docker.io/library/app@sha256:0123")]
    [InlineData("app:1@sha256:0123", "docker.io/library/app:1@sha256:0123")]
    public void Name_GetsRegistryAndTag(string name, string expected) => Assert.Equal(expected, ImageReference.Normalize(name));

    [Fact]
    public void UpperCase_IsRefusedInUpstreamsWords() =>
        Assert.Equal(
            "couldn't parse image name \"Nginx\": invalid reference format: repository name must be lowercase",
            Assert.Throws<FormatException>(() => ImageReference.Normalize("Nginx")).Message);

    [Theory]
    [InlineData("registry:5000/app", "registry:5000")]
    [InlineData("app", "docker.io")]
    public void Registry_IsTheFirstPart(string name, string expected) => Assert.Equal(expected, ImageReference.Registry(name));

    [Theory]
    [InlineData("a", true)]
    [InlineData("a:latest", true)]
    [InlineData("h:5000/a", true)]
    [InlineData("a:1", false)]
    [InlineData("a@sha256:0123", false)]
    public void Latest_IsNoTagOrThatTag(string name, bool expected) => Assert.Equal(expected, ImageReference.IsLatest(name));
}

using System.Text;
using Timonier.Api.Core.V1;
using Timonier.Api.Kinds;

namespace Timonier.Api.Tests.Kinds;

public class GeneratedKindTests
{
    [Fact]
    public void PodJson_SurvivesReadAndWrite()
    {
        const string Json = """
            {"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"x":"y"}},"spec":{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],"resources":{"requests":{"cpu":"500m"}},"livenessProbe":{"httpGet":{"path":"/","port":"web"},"periodSeconds":3}}],"terminationGracePeriodSeconds":30},"status":{"phase":"Running"}}
            """;
        var pod = JsonWrite.FromBytes<Pod>(Encoding.UTF8.GetBytes(Json));
        Assert.Equal("500m", pod.Spec.Containers[0].Resources.Requests["cpu"].ToString());
        Assert.Equal("web", pod.Spec.Containers[0].LivenessProbe!.HttpGet!.Port.ToString());
        Assert.Equal(Json, Encoding.UTF8.GetString(JsonWrite.ToBytes(pod)));
    }

    [Fact]
    public void AbsentFields_AreEmptyOrNull()
    {
        var pod = JsonWrite.FromBytes<Pod>("{}"u8);
        Assert.Empty(pod.Spec.Containers);
        Assert.Null(pod.Spec.TerminationGracePeriodSeconds);
        Assert.Equal("", pod.Metadata.Name);
    }
}

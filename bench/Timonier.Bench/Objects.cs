using System.Text;

namespace Timonier.Bench;

/// <summary>The objects that the benchmarks write: config maps of about 0.9 kB and pods of about 3 kB, as a GET answers them.</summary>
internal static class Objects
{
    public static string Name(int number) => $"bench-{number:D6}";

    public static string Path(string kind, string @namespace) => $"/api/v1/namespaces/{@namespace}/{kind}";

    /// <param name="at">A time, so that who gets the object knows how late it is.</param>
    public static byte[] Make(string kind, int number, long at) => Encoding.UTF8.GetBytes(kind == "pods" ? Pod(number) : ConfigMap(number, at));

    private static string ConfigMap(int number, long at) =>
        $$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"{{Name(number)}}","labels":{"app":"bench","shard":"{{number % 10}}"} },"data":{"at":"{{at}}","text":"{{new string('x', 420)}}"} }""";

    private static string Pod(int number)
    {
        var environment = string.Join(',', Enumerable.Range(0, 6).Select(i => $$"""{"name":"SETTING_{{i}}","value":"value-of-setting-{{i}}-of-pod-{{number}}" }"""));
        return $$"""
            {"kind":"Pod","apiVersion":"v1","metadata":{"name":"{{Name(number)}}","labels":{"app":"bench","shard":"{{number % 10}}"},"annotations":{"bench/text":"{{new string('x', 150)}}"} },
            "spec":{"automountServiceAccountToken":false,"nodeName":"node-{{number % 1500}}","containers":[{"name":"main","image":"registry.example/team/program:1.0","command":["/program","serve"],
            "env":[{{environment}}],"ports":[{"containerPort":8080}],"resources":{"requests":{"cpu":"10m","memory":"32Mi"},"limits":{"memory":"64Mi"} } }] } }
            """;
    }
}

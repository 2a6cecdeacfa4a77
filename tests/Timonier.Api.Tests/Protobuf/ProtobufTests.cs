using System.Buffers;
using System.Text;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Api.Normalize;
using Timonier.Api.Protobuf;
using Timonier.Api.Schema;

namespace Timonier.Api.Tests.Protobuf;

public class ProtobufTests
{
    private static readonly ApiSchema Schema = new();

    /// <summary>The objects of ../shared, where they are; nothing elsewhere: the fixed cases below stand alone.</summary>
    private static string? GoldenFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var golden = Path.Combine(folder.FullName, "shared", "kubernetes-api", "golden");
            if (Directory.Exists(golden))
                return golden;
        }
        return null;
    }

    [Fact]
    public void GoldenObjects_SurviveJsonToProtobufAndBack()
    {
        if (GoldenFolder() is not { } folder)
            return;
        var faults = new List<string>();
        var checkedCount = 0;
        foreach (var file in Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            var golden = JsonParser.ParseMap(File.ReadAllBytes(file));
            var parts = Path.GetFileNameWithoutExtension(file).Split('.');
            var (group, version, kindName) = (string.Join('.', parts[..^2]), parts[^2], parts[^1]);
            var type = Schema.FindType($"{group}/{version}.{kindName}") ?? Schema.FindType($"meta/v1.{kindName}");
            var json = JsonEncoder.Encode(golden);
            var protobuf = File.ReadAllBytes(Path.ChangeExtension(file, ".pb"));
            if (type is null)
            {
                faults.Add($"{Path.GetFileName(file)}: no type");
                continue;
            }
            checkedCount++;
            if (!ProtobufEncoder.EncodeObject(json, type).AsSpan().SequenceEqual(protobuf))
                faults.Add($"{Path.GetFileName(file)}: encodes differently");
            var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(protobuf);
            if (!JsonEncoder.Encode(ProtobufDecoder.Decode(message.Span, type, apiVersion, kind)).AsSpan().SequenceEqual(json))
                faults.Add($"{Path.GetFileName(file)}: decodes differently");
            if (!JsonEncoder.Encode(Normalizer.Normalize(golden, type)).AsSpan().SequenceEqual(json))
                faults.Add($"{Path.GetFileName(file)}: normalizes differently");
        }
        Assert.Equal("", string.Join('\n', faults));
        Assert.True(checkedCount > 180);
    }

    [Theory]
    [InlineData("core/v1.ConfigMap", """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"n"},"data":{"a":"é\n"},"binaryData":{"b":"IA=="}}""",
        "6B3873000A0F0A02763112" + "09436F6E6669674D6170" + "1225" + "0A11" + "0A016E" + "1200" + "1A00" + "2200" + "2A00" + "3200" + "3800" + "4200" + "12" + "08" + "0A0161" + "1203C3A90A" + "1A" + "06" + "0A0162" + "120120" + "1A002200")]
    public void FixedObjects_HaveFixedBytes(string type, string json, string hex)
    {
        var bytes = ProtobufEncoder.EncodeObject(Encoding.UTF8.GetBytes(json), Schema.Type(type));
        Assert.Equal(hex, Convert.ToHexString(bytes));
    }

    [Theory]
    [InlineData("core/v1.Volume", """{"name":"v","configMap":{"name":"c","items":[{"key":"k","path":"p","mode":-1}]}}""")]
    [InlineData("core/v1.Probe", """{"httpGet":{"path":"/","port":"http"},"periodSeconds":5}""")]
    [InlineData("core/v1.Probe", """{"tcpSocket":{"port":80}}""")]
    [InlineData("apiextensions.k8s.io/v1.JSONSchemaProps", """{"type":"object","default":{"a":[1,2.5,null]},"items":{"type":"string"},"properties":{"a":{"type":"x"},"b":{"additionalProperties":false}}}""")]
    [InlineData("authentication.k8s.io/v1.UserInfo", """{"username":"u","groups":["a","b"],"extra":{"x":["1","2"],"y":[]}}""")]
    [InlineData("coordination.k8s.io/v1.LeaseSpec", """{"holderIdentity":"h","acquireTime":"2024-02-29T23:59:59.123456Z"}""")]
    [InlineData("core/v1.ResourceFieldSelector", """{"resource":"limits.cpu","divisor":"0"}""")]
    [InlineData("autoscaling/v2.HPAScalingRules", """{"stabilizationWindowSeconds":-5}""")]
    [InlineData("metrics.k8s.io/v1beta1.NodeMetrics", """{"metadata":{},"timestamp":null,"window":"1m30s","usage":{"cpu":"5m"}}""")]
    public void Messages_SurviveTheWayThere_AndBack(string type, string json)
    {
        var schema = Schema.Type(type);
        var message = ProtobufEncoder.EncodeMessage(Encoding.UTF8.GetBytes(json), schema);
        Assert.Equal(json, Encoding.UTF8.GetString(JsonEncoder.Encode(ProtobufDecoder.Decode(message, schema))));
    }

    /// <summary>Upstream: "EmptyDir wrapper volumes should not cause race condition when used for configmaps", with its fifty volumes a pod.</summary>
    [Theory]
    [InlineData(50)]
    [InlineData(64)]
    [InlineData(1000)]
    public void LongLists_InDeepPlaces_SurviveTheWay(int count)
    {
        var volumes = string.Join(',', Enumerable.Range(0, count).Select(i => $$$"""{"name":"v{{{i}}}","configMap":{"name":"m{{{i}}}","items":[{"key":"k","path":"p"}]}}"""));
        var json = $$$$$"""{"spec":{"replicas":5,"template":{"metadata":{},"spec":{"volumes":[{{{{{volumes}}}}}],"containers":[]}}}}""";
        var schema = Schema.Type("core/v1.ReplicationController");
        var decoded = ProtobufDecoder.Decode(ProtobufEncoder.EncodeMessage(Encoding.UTF8.GetBytes(json), schema), schema);
        Assert.Equal($"[{volumes}]", Encoding.UTF8.GetString(JsonEncoder.Encode(decoded.GetPath("spec", "template", "spec", "volumes"))));
    }

    [Fact]
    public void List_OfEncodedItems_IsTheEncodedList()
    {
        var json = """{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"data":{"k":"v"}}]}""";
        var whole = ProtobufEncoder.EncodeObject(Encoding.UTF8.GetBytes(json), Schema.Type("core/v1.ConfigMapList"));
        var output = new ArrayBufferWriter<byte>();
        var item = Schema.Type("core/v1.ConfigMap");
        ProtobufEncoder.WriteList(output, "v1", "ConfigMapList", ProtobufEncoder.EncodeMessage("""{"resourceVersion":"7"}"""u8.ToArray(), Schema.Type("meta/v1.ListMeta")),
            [ProtobufEncoder.EncodeMessage("""{"metadata":{"name":"a"}}"""u8.ToArray(), item), ProtobufEncoder.EncodeMessage("""{"metadata":{"name":"b"},"data":{"k":"v"}}"""u8.ToArray(), item)]);
        Assert.Equal(whole, output.WrittenSpan.ToArray());
    }

    [Fact]
    public void WatchFrame_HasLengthTypeAndObject()
    {
        var frame = ProtobufEncoder.WatchFrame("ADDED", "k8s\0xy"u8);
        Assert.Equal("000000110A054144444544" + "1208" + "0A06" + "6B3873007879", Convert.ToHexString(frame));
    }

    [Theory]
    [InlineData("")]
    [InlineData("6B387301")]
    [InlineData("6B387300FF")]
    [InlineData("6B387300120A00")]
    [InlineData("6B38730007")]
    public void Envelope_ThatIsNone_IsRefused(string hex) => Assert.Equal(400, Assert.Throws<ApiException>(() => ProtobufDecoder.OpenEnvelope(Convert.FromHexString(hex))).Code);

    [Fact]
    public void Message_CutOrChangedAnywhere_IsReadOrRefused()
    {
        var json = """{"kind":"Pod","apiVersion":"v1","metadata":{"name":"n","labels":{"a":"b"},"creationTimestamp":"2024-01-01T00:00:00Z"},"spec":{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":80}}}]}}""";
        var type = Schema.Type("core/v1.Pod");
        var message = ProtobufEncoder.EncodeMessage(Encoding.UTF8.GetBytes(json), type);
        var refused = 0;
        for (var i = 0; i < message.Length; i++)
        {
            var changed = message.ToArray();
            changed[i] ^= 0x55;
            foreach (var input in new[] { message[..i], changed })
            {
                try
                {
                    ProtobufDecoder.Decode(input, type);
                }
                catch (ApiException e) when (e.Code == 400)
                {
                    refused++;
                }
            }
        }
        Assert.True(refused > message.Length);
    }

    /// <summary>Found by requests at random: where the encoder's buffer of waiting values grew in the middle of a list, it ended with an exception.</summary>
    [Fact]
    public void ListsOfAnyLength_SurviveJsonToProtobufAndBack()
    {
        var type = Schema.Type("core/v1.Pod");
        for (var length = 0; length < 700; length++)
        {
            var pod = new JsonMap { ["kind"] = "Pod", ["apiVersion"] = "v1", ["metadata"] = new JsonMap { ["name"] = "p", ["finalizers"] = new JsonList(Enumerable.Range(0, length).Select(i => (object?)$"f{i}")) } };
            var (apiVersion, kind, message) = ProtobufDecoder.OpenEnvelope(ProtobufEncoder.EncodeObject(JsonEncoder.Encode(Normalizer.Normalize(pod, type)), type));
            Assert.Equal(length, (ProtobufDecoder.Decode(message.Span, type, apiVersion, kind).GetPath("metadata", "finalizers") as JsonList)?.Count ?? 0);
        }
    }
}

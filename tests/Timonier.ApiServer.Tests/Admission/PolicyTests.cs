using Timonier.Api.Admissionregistration.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.ApiServer.Admission;
using Timonier.ApiServer.Admission.Policies;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Tests.Strategies;

namespace Timonier.ApiServer.Tests.Admission;

public class PolicyTests
{
    private const string Match = """ "matchConstraints":{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["deployments"]}]} """;

    private readonly TestReader _reader = new(Given.Object<Namespace>("""{"metadata":{"name":"ns","labels":{"env":"test"}}}"""));

    [Theory]
    [InlineData(""" "validations":[{"expression":"object.spec.replicas <= 5"}] """, "failed expression: object.spec.replicas <= 5")]
    [InlineData(""" "validations":[{"expression":"object.spec.replicas <= 5","message":"too many"}] """, "too many")]
    [InlineData(""" "validations":[{"expression":"object.spec.replicas <= 5","messageExpression":"'not ' + string(object.spec.replicas)"}] """, "not 7")]
    [InlineData(""" "variables":[{"name":"max","expression":"3"},{"name":"twice","expression":"variables.max * 2"}],"validations":[{"expression":"object.spec.replicas <= variables.twice","message":"m"}] """, "m")]
    [InlineData(""" "validations":[{"expression":"object.spec.replicas <= 9"}] """, "")]
    [InlineData(""" "matchConditions":[{"name":"c","expression":"request.userInfo.username != 'alice'"}],"validations":[{"expression":"false"}] """, "")]
    [InlineData(""" "validations":[{"expression":"namespaceObject.metadata.labels.env == 'test'"}] """, "")]
    [InlineData(""" "validations":[{"expression":"object.spec.nothing > 1"}] """, "expression 'object.spec.nothing > 1' resulted in error: no such key: nothing")]
    [InlineData(""" "failurePolicy":"Ignore","validations":[{"expression":"object.spec.nothing > 1"}] """, "")]
    public async Task Policy_DeniesWhatItsExpressionsRefuse(string spec, string message)
    {
        Bind(spec, "Deny");
        var fault = await Record.ExceptionAsync(async () => await Validating().ValidateAsync(Deployment(), default));
        if (message.Length == 0)
        {
            Assert.Null(fault);
            return;
        }
        var refusal = Assert.IsType<ApiException>(fault);
        Assert.Equal((422, "Invalid", $"deployments.apps \"d\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {message}"), (refusal.Code, refusal.Reason, refusal.Message));
    }

    [Fact]
    public async Task BindingThatWarns_LetsThrough()
    {
        Bind(""" "validations":[{"expression":"false","message":"m"}] """, "Warn");
        var attributes = Deployment();
        await Validating().ValidateAsync(attributes, default);
        Assert.Equal(["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': m"], attributes.Scope.Warnings);
    }

    /// <summary>As a webhook does: it knows each question only after a while.</summary>
    private sealed class Slow : IAuthorizer
    {
        public List<string> Asked { get; } = [];

        public async ValueTask<Verdict> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken cancel = default)
        {
            Asked.Add($"{attributes.Verb} {attributes.Resource} {attributes.Selectors?.Fields[0].Value}");
            await Task.Yield();
            return attributes.Verb == "get" ? new(Decision.Allow) : new(Decision.NoOpinion, "", "no way there");
        }
    }

    [Fact]
    public async Task AuthorizerThatMustWait_IsAskedOnceForEachQuestion()
    {
        Bind(""" "variables":[{"name":"may","expression":"authorizer.group('').resource('pods').fieldSelector('spec.nodeName=n1').check('get').allowed()"}],"validations":[{"expression":"variables.may && variables.may && authorizer.group('').resource('nodes').check('list').error() == 'no way there'"},{"expression":"!variables.may","message":"m"}] """, "Deny");
        var authorizer = new Slow();
        var policies = new ValidatingPolicies(_reader, authorizer, new PolicyExpressions(), Parameters());
        Assert.EndsWith("denied request: m", (await Assert.ThrowsAsync<ApiException>(async () => await policies.ValidateAsync(Deployment(), default))).Message, StringComparison.Ordinal);
        Assert.Equal(["get pods n1", "list nodes "], authorizer.Asked);
    }

    [Fact]
    public async Task AuditEvent_TellsValuesAndWhatFailed()
    {
        Bind(""" "validations":[{"expression":"true"},{"expression":"false","message":"m"}],"auditAnnotations":[{"key":"replicas","valueExpression":"string(object.spec.replicas)"},{"key":"none","valueExpression":"null"}] """, "Audit");
        var annotations = new List<string>();
        var attributes = Deployment();
        await Validating().ValidateAsync(attributes with { Scope = attributes.Scope with { Annotate = (k, v) => annotations.Add($"{k}={v}") } }, default);
        Assert.Equal(["p/replicas=7", """validation.policy.admission.k8s.io/validation_failure=[{"message":"m","policy":"p","binding":"b","expressionIndex":1,"validationActions":["Audit"]}]"""], annotations.Order());
    }

    /// <summary>What a policy says for the audit log is said whether it denies or not; a binding with Audit tells there what failed.</summary>
    [Fact]
    public async Task AuditAnnotations_AreTheExpressionsValues()
    {
        Bind(""" "auditAnnotations":[{"key":"size","valueExpression":"'has ' + string(object.spec.replicas)"},{"key":"none","valueExpression":"null"}],"validations":[{"expression":"object.spec.replicas < 5","message":"m"}] """, "Audit");
        var said = new Dictionary<string, string>();
        var attributes = Deployment();
        await Validating().ValidateAsync(attributes with { Scope = attributes.Scope with { Annotate = (key, value) => said[key] = value } }, default);
        Assert.Equal("has 7", said["p/size"]);
        Assert.False(said.ContainsKey("p/none"));
        Given.AssertSame("""[{"message":"m","policy":"p","binding":"b","expressionIndex":0,"validationActions":["Audit"]}]""", Timonier.Api.Json.JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(said["validation.policy.admission.k8s.io/validation_failure"])));
    }

    [Fact]
    public async Task OtherResources_AreNotLookedAt()
    {
        Bind(""" "validations":[{"expression":"false"}] """, "Deny");
        await Validating().ValidateAsync(new() { Scope = Given.Scope("configmaps"), Operation = "CREATE", Object = [] }, default);
        await Validating().ValidateAsync(Deployment() with { Operation = "DELETE" }, default);
    }

    [Theory]
    [InlineData("""{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'add', path: '/spec/paused', value: true}]"}}""", """{"replicas":7,"paused":true,"template":{"spec":{"containers":[{"name":"c"}]}}}""")]
    [InlineData("""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{spec: Object.spec{replicas: 2, template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'd', image: 'i'}]}}}}"}}""", """{"replicas":2,"template":{"spec":{"containers":[{"name":"d","image":"i"},{"name":"c"}]}}}""")]
    public async Task MutatingPolicy_ChangesTheObject(string mutation, string spec)
    {
        _reader.Objects.Add(Given.Object<MutatingAdmissionPolicy>("""{"metadata":{"name":"p"},"spec":{"mutations":[MUTATION],MATCH}}""".Replace("MUTATION", mutation, StringComparison.Ordinal).Replace("MATCH", Match, StringComparison.Ordinal)));
        _reader.Objects.Add(Given.Object<MutatingAdmissionPolicyBinding>("""{"metadata":{"name":"b"},"spec":{"policyName":"p"}}"""));
        var attributes = Deployment();
        await new MutatingPolicies(_reader, new MastersAuthorizer(), new PolicyExpressions(), Parameters()).AdmitAsync(attributes, default);
        var changed = attributes.Object!.GetMap("spec")!;
        var containers = (JsonList)changed.GetPath("template", "spec", "containers")!;
        containers.Sort((a, b) => -string.CompareOrdinal(((JsonMap)a!).GetString("name"), ((JsonMap)b!).GetString("name")));
        Given.AssertSame(spec, changed);
    }

    /// <summary>Stands for "ValidatingAdmissionPolicy should type check validation expressions" and "... a CRD".</summary>
    [Theory]
    [InlineData("object.spec.replicas > 1", "")]
    [InlineData("object.spec.replicass > 1", "spec.validations[0].expression: apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicass'\n | object.spec.replicass > 1\n | ...........^\n")]
    [InlineData("object.spec.replicas > '1'", "spec.validations[0].expression: apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n")]
    [InlineData("variables.names == ['a']", "")]
    [InlineData("variables.names == 'a'", "spec.validations[0].expression: apps/v1, Kind=Deployment: ERROR: <input>:1:17: found no matching overload for '_==_' applied to '(list(string), string)'\n | variables.names == 'a'\n | ................^\n")]
    public void Expressions_AreCheckedAgainstTheKindsThatAPolicyMatches(string expression, string expected)
    {
        var policy = Given.Object<ValidatingAdmissionPolicy>("""{"metadata":{"name":"p"},"spec":{"variables":[{"name":"names","expression":"object.spec.template.spec.containers.map(c, c.name)"}],"validations":[{"expression":"EXPRESSION"}],MATCH}}"""
            .Replace("EXPRESSION", expression, StringComparison.Ordinal).Replace("MATCH", Match, StringComparison.Ordinal));
        Assert.Equal(expected, string.Join('|', PolicyTypeCheck.Warnings(policy, [.. new Timonier.Api.Schema.ApiSchema().Resources]).Select(w => $"{w.FieldRef}: {w.Warning}")));
    }

    private static PolicyParams Parameters() => new(() => [], () => throw new InvalidOperationException("no params here"));

    private static AdmissionAttributes Deployment() => new()
    {
        Scope = Given.Scope("deployments.apps", name: "d") with { Warnings = new List<string>() }, Operation = "CREATE",
        Object = Given.Json("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":7,"template":{"spec":{"containers":[{"name":"c"}]}}}}"""),
    };

    private ValidatingPolicies Validating() => new(_reader, new MastersAuthorizer(), new PolicyExpressions(), Parameters());

    private void Bind(string spec, string action)
    {
        _reader.Objects.Add(Given.Object<ValidatingAdmissionPolicy>("""{"metadata":{"name":"p"},"spec":{SPEC,MATCH}}""".Replace("SPEC", spec, StringComparison.Ordinal).Replace("MATCH", Match, StringComparison.Ordinal)));
        _reader.Objects.Add(Given.Object<ValidatingAdmissionPolicyBinding>("""{"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["ACTION"]}}""".Replace("ACTION", action, StringComparison.Ordinal)));
    }
}

using Timonier.Api.Cel;
using Timonier.Api.Cel.Library;
using Timonier.Api.Core.V1;
using Timonier.Api.Json;
using Timonier.Api.Kinds;
using Timonier.Api.Schema;
using Timonier.ApiServer.Admission.Webhooks;
using Timonier.ApiServer.Authentication;
using Timonier.ApiServer.Authorization;
using Timonier.ApiServer.Requests;
using Timonier.ApiServer.Strategies;

namespace Timonier.ApiServer.Admission.Policies;

/// <summary>What the expressions of one policy see of one request; each part is made when it is first asked for. Not thread-safe.</summary>
/// <param name="attributes">With the objects in the version of <paramref name="seen"/>.</param>
internal sealed class PolicyInputs(AdmissionAttributes attributes, ResourceSchema seen, JsonMap? parameters, IObjectReader reader, IAuthorizer authorizer)
{
    private readonly Dictionary<string, object?> _made = new(StringComparer.Ordinal);
    private readonly Dictionary<CelAuthorizationCheck, Verdict> _answers = [];
    private readonly Dictionary<string, CelProgram> _variables = new(StringComparer.Ordinal);

    /// <summary>What all expressions together may cost.</summary>
    public CelBudget Budget { get; } = new(CelBudget.PerObject);

    /// <summary>A variable of the policy: evaluated when first named.</summary>
    public void Define(string name, CelProgram program) => _variables[$"variables.{name}"] = program;

    /// <exception cref="CelException">The evaluation failed.</exception>
    public async ValueTask<object?> EvaluateAsync(CelProgram program, CancellationToken cancel)
    {
        while (true)
        {
            var before = Budget.Remaining;
            try
            {
                return program.Evaluate(Get, Budget);
            }
            catch (PendingCheckException pending)
            {
                // An expression does not wait. It runs again with the answer; what it may cost bounds how often it can ask.
                Budget.Refund(before - Budget.Remaining);
                _answers[pending.Check] = await pending.Answer.WaitAsync(cancel);
            }
        }
    }

    /// <summary>Leaves an expression whose question to the authorizer must wait for a webhook. No CelException: an expression can't go on behind it.</summary>
#pragma warning disable CA1032, CA1064 // Thrown and caught in this class alone.
    private sealed class PendingCheckException(CelAuthorizationCheck check, Task<Verdict> answer) : Exception
#pragma warning restore CA1032, CA1064
    {
        public CelAuthorizationCheck Check { get; } = check;
        public Task<Verdict> Answer { get; } = answer;
    }

    private object? Get(string name)
    {
        // The object changes under mutations.
        if (name == "object")
            return attributes.Object;
        if (_made.TryGetValue(name, out var value))
            return value;
        return _made[name] = name switch
        {
            "oldObject" => attributes.OldObject,
            "params" => parameters,
            "request" => Review.Request(attributes, seen, "v1", "").GetMap("request"),
            "namespaceObject" => NamespaceObject(),
            "authorizer" => Authorizer(),
            "authorizer.requestResource" => Authorizer().ForResource(RequestResource()),
            _ when _variables.TryGetValue(name, out var program) => program.Evaluate(Get, Budget),
            _ => throw new CelException($"no such attribute(s): {name}"),
        };
    }

    private JsonMap? NamespaceObject()
    {
        if (attributes.Scope.Namespace.Length == 0 || attributes.Scope.Resource.GroupResource == "namespaces")
            return null;
        if (reader.Get<Namespace>("", attributes.Scope.Namespace) is not { } found)
            return null;
        var tree = JsonParser.ParseMap(JsonWrite.ToBytes(found));
        // Upstream's name for it; the owners and managers are not shown.
        if (tree.GetMap("metadata") is { } metadata && metadata["uid"] is { } uid)
            metadata["UID"] = uid;
        return tree;
    }

    private CelAuthorizer Authorizer() => new(check =>
    {
        if (!_answers.TryGetValue(check, out var verdict))
        {
            var asked = Ask(check);
            verdict = asked.IsCompletedSuccessfully ? asked.Result : throw new PendingCheckException(check, asked.AsTask());
        }
        return (verdict.Decision == Decision.Allow, verdict.Reason, verdict.Error.Length > 0 ? verdict.Error : null);
    });

    private ValueTask<Verdict> Ask(CelAuthorizationCheck check)
    {
        var user = check.ServiceAccount is { } account
            ? new UserInfo($"system:serviceaccount:{account.Namespace}:{account.Name}", ["system:serviceaccounts", $"system:serviceaccounts:{account.Namespace}", "system:authenticated"])
            : attributes.Scope.User;
        return authorizer.AuthorizeAsync(new AuthorizationAttributes
        {
            User = user, Verb = check.Verb, IsResource = check.Path.Length == 0, Path = check.Path, Group = check.Group, Version = "*", Resource = check.Resource,
            Subresource = check.Subresource, Namespace = check.Namespace, Name = check.Name, Selectors = RequestedSelectors.Of(check.FieldSelector, check.LabelSelector),
        });
    }

    private CelAuthorizationCheck RequestResource()
    {
        GroupVersionResource resource = attributes.Scope.Resource.Resource;
        return new() { Group = resource.Group, Resource = resource.Resource, Subresource = attributes.Scope.Subresource, Namespace = attributes.Scope.Namespace, Name = attributes.Scope.Name };
    }
}

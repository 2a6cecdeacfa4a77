using Timonier.Api.Apps.V1;
using Timonier.Api.Core.V1;
using Timonier.Api.Meta.V1;

namespace Timonier.Cli.Tests;

/// <summary>Commands that change what is there, told one after the other.</summary>
public sealed class VerbTests : IAsyncLifetime
{
    private CliServer _server = null!;

    public async Task InitializeAsync() => _server = await CliServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private async Task SaysAsync(string line, string expected, string input = "", int code = 0)
    {
        var result = await _server.RunAsync(line, input);
        Assert.Equal((expected, code), ((result.Out + result.Error).TrimEnd(), result.Code));
    }

    private static string ConfigMap(string data) => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{{data}}}""";

    [Fact]
    public async Task Apply_CreatesThenMergesThenLeavesAlone()
    {
        await SaysAsync("apply -f -", "configmap/a created", ConfigMap("""{"x":"1","y":"2"}"""));
        await _server.RunAsync(["patch", "cm", "a", "--type=merge", "-p", """{"data":{"other":"kept"}}"""]);
        await SaysAsync("apply -f -", "configmap/a configured", ConfigMap("""{"x":"3"}"""));
        await SaysAsync("apply -f -", "configmap/a unchanged", ConfigMap("""{"x":"3"}"""));
        var data = (await _server.Client.GetAsync<ConfigMap>("default", "a")).Data;
        Assert.Equal(["other=kept", "x=3"], data.Select(d => $"{d.Key}={d.Value}").Order());
    }

    [Fact]
    public async Task ApplyServerSide_TellsOfConflicts()
    {
        await SaysAsync("apply --server-side -f -", "configmap/a serverside-applied", ConfigMap("""{"x":"1"}"""));
        var conflict = await _server.RunAsync("apply --server-side --field-manager=other -f -", ConfigMap("""{"x":"2"}"""));
        Assert.Equal(1, conflict.Code);
        Assert.Contains("conflict", conflict.Error);
        await SaysAsync("apply --server-side --field-manager=other --force-conflicts -f -", "configmap/a serverside-applied", ConfigMap("""{"x":"2"}"""));
    }

    [Fact]
    public async Task Delete_ByNameSelectorAndFile()
    {
        await _server.RunAsync("create cm a --from-literal=x=1");
        await _server.RunAsync("create cm b --from-literal=x=1");
        await _server.RunAsync("label cm a b app=web");
        await SaysAsync("delete cm -l app=web", "configmap \"a\" deleted\nconfigmap \"b\" deleted");
        await SaysAsync("delete cm a", "Error from server (NotFound): configmaps \"a\" not found", code: 1);
        await SaysAsync("delete cm a --ignore-not-found", "");
    }

    [Fact]
    public async Task Create_TwiceSaysAlreadyExists()
    {
        await SaysAsync("create ns n1", "namespace/n1 created");
        await SaysAsync("create ns n1", "Error from server (AlreadyExists): namespaces \"n1\" already exists", code: 1);
        await SaysAsync("create -f -", "Error from server (AlreadyExists): error when creating \"STDIN\": namespaces \"n1\" already exists", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n1"}}""", 1);
    }

    [Fact]
    public async Task Rollout_FollowsRestartsAndUndoes()
    {
        await SaysAsync("create deployment web --image=nginx:1", "deployment.apps/web created");
        Assert.Equal("Waiting for deployment spec update to be observed...", (await _server.RunAsync("rollout status deploy web --watch=false")).Out.Trim());
        var deployment = await _server.Client.GetAsync<Deployment>("default", "web");
        await _server.Client.UpdateStatusAsync(deployment with { Status = new DeploymentStatus { ObservedGeneration = 9, Replicas = 1, UpdatedReplicas = 1, ReadyReplicas = 1, AvailableReplicas = 1 } });
        await SaysAsync("rollout status deploy/web", "deployment \"web\" successfully rolled out");
        await SaysAsync("rollout restart deploy web", "deployment.apps/web restarted");
        await SaysAsync("rollout pause deploy web", "deployment.apps/web paused");
        await SaysAsync("rollout resume deploy web", "deployment.apps/web resumed");
        await SaysAsync("expose deploy web --port=80", "service/web exposed");
        await SaysAsync("scale deploy web --replicas=4 --current-replicas=2", "error: Expected replicas to be 2, was 1", code: 1);
    }

    [Fact]
    public async Task Wait_ForConditionAndDeletion()
    {
        await SaysAsync("run p --image=busybox --restart=Never", "pod/p created");
        await SaysAsync("wait pod/p --for=condition=Ready --timeout=0", "error: timed out waiting for the condition on pods/p", code: 1);
        var waiting = _server.RunAsync("wait pod/p --for=condition=Ready --timeout=30s");
        var pod = await _server.Client.GetAsync<Pod>("default", "p");
        await _server.Client.UpdateStatusAsync(pod with { Status = new PodStatus { Phase = "Running", Conditions = [new PodCondition { Type = "Ready", Status = "True" }] } });
        Assert.Equal("pod/p condition met", (await waiting).Out.Trim());
        await SaysAsync("wait pod p --for=jsonpath={.status.phase}=Running", "pod/p condition met");
        var gone = _server.RunAsync("wait pod/p --for=delete --timeout=30s");
        await SaysAsync("delete pod p --now --wait=false", "pod \"p\" deleted");
        Assert.Equal(0, (await gone).Code);
    }

    [Fact]
    public async Task GetWatch_ShowsChangesAsTheyCome()
    {
        using var stop = new CancellationTokenSource();
        var watching = _server.RunAsync(["get", "cm", "-w", "-o", "name"], cancel: stop.Token);
        await _server.RunAsync("create cm seen --from-literal=a=b");
        await _server.RunAsync("get cm --watch-only=false");
        stop.CancelAfter(TimeSpan.FromSeconds(2));
        Assert.Contains("configmap/seen", (await watching).Out);
    }

    [Fact]
    public async Task Config_SwitchesContextAndNamespace()
    {
        await SaysAsync("config current-context", "x");
        await SaysAsync("config use-context nope", "error: no context exists with the name: \"nope\"", code: 1);
        await SaysAsync("config use-context shop", "Switched to context \"shop\".");
        await SaysAsync("config current-context", "shop");
        await SaysAsync("get pods", "No resources found in shop namespace.");
        await SaysAsync("config set-context --current --namespace=default", "Context \"shop\" modified.");
        await SaysAsync("get pods", "No resources found in default namespace.");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_server.Directory, "config")));
    }

    [Fact]
    public async Task Edit_ChangesWhatTheEditorChanged_AndAsksAgainWhenRefused()
    {
        await _server.RunAsync("create cm a --from-literal=x=1");
        var editor = await _server.WriteAsync("editor.sh", "#!/bin/sh\ngrep -q 'was not valid' \"$1\" && sed -i 's/x: .*/x: \"2\"/' \"$1\" || sed -i 's/x: .*/x: [wrong]/' \"$1\"\n");
        _server.Variables["EDITOR"] = "sh " + editor;
        await SaysAsync("edit cm a", "configmap/a edited");
        Assert.Equal("2", (await _server.Client.GetAsync<ConfigMap>("default", "a")).Data["x"]);
        _server.Variables["EDITOR"] = "true";
        await SaysAsync("edit cm a", "Edit cancelled, no changes made.");
        _server.Variables["EDITOR"] = "false";
        await SaysAsync("edit cm a", "error: there was a problem with the editor \"false\"", code: 1);
    }

    [Fact]
    public async Task Diff_ShowsWhatApplyWouldChange()
    {
        await SaysAsync("apply -f -", "configmap/a created", ConfigMap("""{"x":"1"}"""));
        await SaysAsync("diff -f -", "", ConfigMap("""{"x":"1"}"""));
        var changed = await _server.RunAsync("diff -f -", ConfigMap("""{"x":"2"}"""));
        Assert.Equal(1, changed.Code);
        Assert.Contains("-  x: \"1\"\n+  x: \"2\"\n", changed.Out);
        Assert.Equal("1", (await _server.Client.GetAsync<ConfigMap>("default", "a")).Data["x"]);
        _server.Variables["KUBECTL_EXTERNAL_DIFF"] = "no-such-program";
        Assert.Equal(2, (await _server.RunAsync("diff -f -", ConfigMap("""{"x":"2"}"""))).Code);
    }

    [Fact]
    public async Task Replace_KeepsNothing_AndWithForceMakesAnew()
    {
        await _server.RunAsync("create cm a --from-literal=x=1");
        var before = await _server.Client.GetAsync<ConfigMap>("default", "a");
        await SaysAsync("replace -f -", "configmap/a replaced", ConfigMap("""{"y":"2"}"""));
        Assert.Equal(["y"], (await _server.Client.GetAsync<ConfigMap>("default", "a")).Data.Keys);
        await SaysAsync("replace --force -f -", "configmap \"a\" deleted\nconfigmap/a replaced", ConfigMap("""{"z":"3"}"""));
        Assert.NotEqual(before.Metadata.Uid, (await _server.Client.GetAsync<ConfigMap>("default", "a")).Metadata.Uid);
    }
}

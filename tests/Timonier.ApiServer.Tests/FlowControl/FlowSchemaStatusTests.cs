using Timonier.Api.Flowcontrol.V1;
using Timonier.ApiServer.FlowControl;

namespace Timonier.ApiServer.Tests.FlowControl;

public sealed class FlowSchemaStatusTests
{
    private static readonly DateTimeOffset Then = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(true, "False", "Found", "This FlowSchema references the PriorityLevelConfiguration object named \"low\" and it exists")]
    [InlineData(false, "True", "NotFound", "This FlowSchema references the PriorityLevelConfiguration object named \"low\" but there is no such object")]
    public void Condition_TellsWhetherTheLevelIsThere(bool exists, string status, string reason, string message)
    {
        var schema = new FlowSchema { Metadata = new() { Name = "s" }, Spec = new() { PriorityLevelConfiguration = new() { Name = "low" } } };
        var decided = FlowSchemaStatusController.Decide(schema, exists, Then)!;
        var condition = Assert.Single(decided.Status.Conditions);
        Assert.Equal(("Dangling", status, reason, message), (condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.Null(FlowSchemaStatusController.Decide(decided, exists, Then.AddHours(1)));
        Assert.Equal(Then.AddHours(1), FlowSchemaStatusController.Decide(decided, !exists, Then.AddHours(1))!.Status.Conditions[0].LastTransitionTime);
    }
}

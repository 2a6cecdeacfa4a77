using System.CommandLine;
using Timonier.Cli;
using Timonier.Commands;
using Timonier.Kubelet;
using Timonier.Network;
using Timonier.Store;

var root = new RootCommand("Kubernetes, whole, in one program.")
{
    UpCommand.Create(),
    DownCommand.Create(),
    StatusCommand.Create(),
    KubeconfigCommand.Create(),
    VersionCommand.Create(),
    ServerCommand.Create(),
    ImageCommand.Create(),
};
KubectlCommands.AddTo(root, CliEnvironment.OfProcess());
try
{
    var parsed = root.Parse(KubectlCommands.Arrange(args));
    if (UsageFault.Of(parsed) is { } fault)
    {
        Console.Error.WriteLine(fault);
        return 1;
    }
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (CommandException e)
{
    Console.Error.WriteLine($"timonier: {e.Message}");
    return 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ProcessFailedException or ExternalCommandException or StoreException)
{
    Console.Error.WriteLine($"timonier: {e.Message}");
    return 1;
}

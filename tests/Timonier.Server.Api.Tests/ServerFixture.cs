using Timonier.Testing.Processes;

namespace Timonier.Server.Api.Tests;

/// <summary>One server without node for all tests of a class.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    public TimonierServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await TimonierServer.StartAsync("--no-node");

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

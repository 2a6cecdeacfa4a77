using Microsoft.Extensions.Logging;
using Timonier.Client;

namespace Timonier.Controllers;

/// <summary>What every controller is built from. The random source is used while controllers are built, in one thread.</summary>
public sealed record ControllerContext(ApiClient Client, InformerFactory Informers, EventBroadcaster Events, TimeProvider Time, Random Random, ILoggerFactory Loggers);

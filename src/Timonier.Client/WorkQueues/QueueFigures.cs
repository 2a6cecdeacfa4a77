namespace Timonier.Client;

/// <summary>What a work queue and its workers have done so far.</summary>
/// <param name="Depth">Keys that wait now.</param>
/// <param name="Adds">Keys that came into the queue.</param>
/// <param name="Retries">Keys that came back after a failure.</param>
/// <param name="Done">Keys worked on.</param>
/// <param name="WorkSeconds">Time spent on them, in seconds.</param>
public readonly record struct QueueFigures(int Depth, long Adds, long Retries, long Done, double WorkSeconds);

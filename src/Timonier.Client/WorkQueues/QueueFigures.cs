namespace Timonier.Client;

/// <summary>What a work queue and its workers have done so far.</summary>
/// <param name="Depth">Keys that wait now.</param>
/// <param name="Adds">Keys that came into the queue.</param>
/// <param name="Retries">Keys that came back after a failure.</param>
/// <param name="Waited">How long keys stood in the queue.</param>
/// <param name="Worked">How long they were worked on.</param>
/// <param name="Unfinished">Of the keys that are being worked on: the time so far, all together.</param>
/// <param name="Longest">Of these the longest.</param>
public readonly record struct QueueFigures(int Depth, long Adds, long Retries, Histogram Waited, Histogram Worked, TimeSpan Unfinished, TimeSpan Longest);

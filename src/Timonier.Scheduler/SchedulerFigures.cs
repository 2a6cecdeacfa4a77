namespace Timonier.Scheduler;

/// <summary>What the scheduler has done so far.</summary>
/// <param name="Scheduled">Attempts that ended with a pod bound.</param>
/// <param name="Unschedulable">Attempts that found no node.</param>
/// <param name="Errors">Attempts that failed.</param>
/// <param name="Pending">Pods that wait now.</param>
public readonly record struct SchedulerFigures(long Scheduled, long Unschedulable, long Errors, (int Active, int Backoff, int Unschedulable) Pending);

using Timonier.Api.Errors;
using Timonier.Api.Json;
using Timonier.Cli.Resources;
using Timonier.Client;

namespace Timonier.Cli.Verbs;

/// <summary>Follows one object until it is as wanted.</summary>
internal static class ObjectWait
{
    /// <param name="done">Gets null when the object is gone.</param>
    /// <returns>False when the time ran out.</returns>
    public static async Task<bool> UntilAsync(CliCall call, ResourceObject target, TimeSpan limit, Func<JsonMap?, bool> done, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(limit, call.Environment.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            while (true)
            {
                var options = new ListOptions { FieldSelector = "metadata.name=" + target.Name };
                var list = await call.Cluster.Client.ListTreesAsync(target.Resource.Resource, target.Namespace, options, either.Token);
                if (done(list.Items.Count > 0 ? list.Items[0] : null))
                    return true;
                try
                {
                    await foreach (var change in call.Cluster.Client.WatchTreesAsync(target.Resource.Resource, target.Namespace, options with { ResourceVersion = list.ResourceVersion }, either.Token))
                    {
                        if (change.Type != WatchEventType.Bookmark && done(change.Type == WatchEventType.Deleted ? null : change.Object))
                            return true;
                    }
                }
                catch (ApiException e) when (e.IsExpired)
                {
                    // The watch fell behind: read the object again.
                }
            }
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}

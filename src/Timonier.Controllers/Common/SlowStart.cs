namespace Timonier.Controllers.Common;

/// <summary>Calls in batches of 1, 2, 4, ...: where each call fails (a quota, a broken template), few are made.</summary>
internal static class SlowStart
{
    /// <returns>How many calls succeeded, and the first error.</returns>
    public static async Task<(int Succeeded, Exception? Error)> RunAsync(int count, Func<int, Task> call)
    {
        var done = 0;
        for (var batch = Math.Min(count, 1); batch > 0; batch = Math.Min(2 * batch, count - done))
        {
            var first = done;
            var results = await Task.WhenAll(Enumerable.Range(first, batch).Select(i => TryAsync(call, i)));
            done += results.Count(e => e is null);
            if (results.FirstOrDefault(e => e is not null) is { } error)
                return (done, error);
        }
        return (done, null);
    }

    private static async Task<Exception?> TryAsync(Func<int, Task> call, int index)
    {
        try
        {
            await call(index);
            return null;
        }
        catch (Api.Errors.ApiException e)
        {
            return e;
        }
    }
}

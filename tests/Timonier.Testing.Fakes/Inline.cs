namespace Timonier.Testing.Fakes;

/// <summary>
/// Runs code without the test framework's synchronization context, so that what awaits continues at once, in the thread
/// that completes it, and not later in another.
/// </summary>
public static class Inline
{
    public static void Run(Action action)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    public static T Run<T>(Func<T> function)
    {
        T result = default!;
        Run(() => { result = function(); });
        return result;
    }
}

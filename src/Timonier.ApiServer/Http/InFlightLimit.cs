using Timonier.Api.Errors;

namespace Timonier.ApiServer.Http;

/// <summary>How many requests are served at once. Nobody queues: the next one is told to come again. Priority and fairness take this place later.</summary>
internal sealed class InFlightLimit(int max)
{
    private int _taken;

    /// <exception cref="ApiException">TooManyRequests.</exception>
    public Seat Enter()
    {
        if (Interlocked.Increment(ref _taken) <= max)
            return new Seat(this);
        Interlocked.Decrement(ref _taken);
        throw ApiException.TooManyRequests("Too many requests, please try again later.", 1);
    }

    internal readonly struct Seat(InFlightLimit? limit) : IDisposable
    {
        public void Dispose()
        {
            if (limit is not null)
                Interlocked.Decrement(ref limit._taken);
        }
    }
}

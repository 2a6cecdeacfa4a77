namespace Timonier.ApiServer.FlowControl;

/// <summary>
/// How many seats a priority level wanted, over time: what borrowing is decided by (KEP-1040, "Dispatching, borrowing"). Not thread-safe.
/// </summary>
internal sealed class SeatDemand
{
    /// <summary>Upstream's seatDemandSmoothingCoefficient: half of a peak is forgotten after five minutes of ten seconds each.</summary>
    private const double Smoothing = 0.977;

    private double _seconds;
    private double _sum;
    private double _squares;
    private int _now;
    private int _max;

    public double HighWatermark { get; private set; }

    public double Average { get; private set; }

    public double Deviation { get; private set; }

    public double Smoothed { get; private set; }

    /// <summary>The demand since the last call was what it was told to be then; it is now <paramref name="seats"/>.</summary>
    public void Set(int seats, double secondsSince)
    {
        _seconds += secondsSince;
        _sum += _now * secondsSince;
        _squares += (double)_now * _now * secondsSince;
        _now = seats;
        _max = Math.Max(_max, seats);
    }

    /// <summary>Ends a period: its figures become the ones that are read.</summary>
    public void EndPeriod()
    {
        HighWatermark = _max;
        Average = _seconds > 0 ? _sum / _seconds : _now;
        Deviation = _seconds > 0 ? Math.Sqrt(Math.Max(0, _squares / _seconds - Average * Average)) : 0;
        var envelope = Average + Deviation;
        Smoothed = Math.Max(envelope, Smoothing * Smoothed + (1 - Smoothing) * envelope);
        (_seconds, _sum, _squares, _max) = (0, 0, 0, _now);
    }
}

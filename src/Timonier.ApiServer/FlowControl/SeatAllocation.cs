namespace Timonier.ApiServer.FlowControl;

/// <summary>What a priority level may have and wants, in seats.</summary>
/// <param name="Lower">Never less than this.</param>
/// <param name="Upper">Never more than this.</param>
/// <param name="Target">What it would like, at least <paramref name="Lower"/>.</param>
internal readonly record struct SeatClaim(int Lower, int Upper, double Target);

/// <summary>Divides the server's seats (KEP-1040): nominal shares first, then what is lent and borrowed.</summary>
internal static class SeatAllocation
{
    /// <summary>The seats a level owns: its share, rounded up.</summary>
    public static int Nominal(int seats, long shares, long sharesOfAll) => sharesOfAll == 0 ? 0 : (int)Math.Ceiling((double)seats * shares / sharesOfAll);

    /// <summary>
    /// Each claim gets the same fraction of its target, within its bounds, so that all seats are given out where the bounds allow.
    /// </summary>
    public static (int[] Seats, double FairFraction) Divide(int seats, IReadOnlyList<SeatClaim> claims)
    {
        var fraction = Fraction(seats, claims);
        return ([.. claims.Select(c => (int)Math.Round(Share(c, fraction)))], fraction);
    }

    private static double Fraction(int seats, IReadOnlyList<SeatClaim> claims)
    {
        // The sum of shares grows with the fraction, so that halving finds it. Every claim is at its upper bound at the highest fraction that matters.
        double low = 0, high = claims.Count == 0 ? 0 : claims.Max(c => c.Upper / Math.Max(c.Target, 1e-3));
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = claims.Sum(c => Share(c, middle)) < seats ? (middle, high) : (low, middle);
        }
        return high;
    }

    private static double Share(SeatClaim claim, double fraction) => Math.Min(claim.Upper, Math.Max(claim.Lower, fraction * Math.Max(claim.Target, 1e-3)));
}

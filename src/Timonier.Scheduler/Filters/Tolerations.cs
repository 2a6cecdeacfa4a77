using System.Globalization;
using Timonier.Api.Core.V1;

namespace Timonier.Scheduler.Filters;

/// <summary>Does a pod tolerate a taint? (core/v1 Toleration)</summary>
public static class Tolerations
{
    public static bool Tolerate(IReadOnlyList<Toleration> tolerations, Taint taint)
    {
        foreach (var toleration in tolerations)
        {
            if (Tolerates(toleration, taint))
                return true;
        }
        return false;
    }

    private static bool Tolerates(Toleration toleration, Taint taint)
    {
        if (toleration.Effect.Length > 0 && toleration.Effect != taint.Effect)
            return false;
        // An empty key with Exists tolerates everything.
        if (toleration.Key.Length > 0 ? toleration.Key != taint.Key : toleration.Operator != "Exists")
            return false;
        return toleration.Operator switch
        {
            "Exists" => true,
            "" or "Equal" => toleration.Value == taint.Value,
            "Lt" => Compare(taint.Value, toleration.Value) < 0,
            "Gt" => Compare(taint.Value, toleration.Value) > 0,
            _ => false,
        };
    }

    /// <summary>Numbers only (KEP-5471); anything else compares to neither side.</summary>
    private static int? Compare(string a, string b) =>
        long.TryParse(a, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var x) && long.TryParse(b, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var y) ? x.CompareTo(y) : null;
}

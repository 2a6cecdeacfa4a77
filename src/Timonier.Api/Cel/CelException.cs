namespace Timonier.Api.Cel;

/// <summary>An expression that does not compile, or whose evaluation failed; the message is cel-go's.</summary>
public sealed class CelException(string message, bool isBudget = false) : Exception(message)
{
    /// <summary>The evaluation was stopped because it cost too much.</summary>
    public bool IsBudget { get; } = isBudget;

    public static CelException NoSuchOverload() => new("no such overload");

    public static CelException BudgetSpent() => new("operation cancelled: actual cost limit exceeded", isBudget: true);
}

/// <summary>What an evaluation may still cost; shared by several evaluations where upstream counts them together. Not thread-safe.</summary>
/// <param name="limit">In cel-go's units: about one per operation, one per ten characters that a text function reads.</param>
public sealed class CelBudget(long limit)
{
    /// <summary>Upstream's limits for one expression, and for all rules of one object.</summary>
    public const long PerCall = 1_000_000;
    public const long PerObject = 10_000_000;

    public long Remaining { get; private set; } = limit;

    /// <summary>Takes back what an evaluation cost that starts anew.</summary>
    public void Refund(long cost) => Remaining += cost;

    /// <exception cref="CelException">The budget is spent.</exception>
    public void Charge(long cost)
    {
        Remaining -= cost;
        if (Remaining < 0)
            throw CelException.BudgetSpent();
    }
}

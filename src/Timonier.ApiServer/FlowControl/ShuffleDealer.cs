namespace Timonier.ApiServer.FlowControl;

/// <summary>
/// Shuffle sharding: a flow's hash deals it a hand of distinct queues out of the deck. Two flows rarely get the same hand, so that a flow
/// that fills all its queues leaves the others at least one.
/// </summary>
internal readonly struct ShuffleDealer(int deckSize, int handSize)
{
    /// <summary>FNV-1a's 64-bit offset basis.</summary>
    public const ulong HashStart = 14695981039346656037;

    /// <summary>Hands are kept on the stack; the largest that validation lets through is far below.</summary>
    public const int HandSizeMax = 64;

    public int HandSize => handSize;

    public static ulong Hash(ulong start, string text)
    {
        foreach (var letter in text)
            start = (start ^ letter) * 1099511628211;
        // The low bits of FNV are weak, and dealing begins with them.
        return start ^ (start >> 29);
    }

    /// <param name="hand">Filled with distinct numbers below the deck's size.</param>
    public void Deal(ulong hash, Span<int> hand)
    {
        for (var i = 0; i < handSize; i++)
        {
            var left = (ulong)(deckSize - i);
            var card = (int)(hash % left);
            hash /= left;
            // The card-th of those not dealt yet: those dealt are kept in order, each one at or below moves it up.
            var at = 0;
            while (at < i && hand[at] <= card)
            {
                card++;
                at++;
            }
            hand[at..i].CopyTo(hand[(at + 1)..]);
            hand[at] = card;
        }
    }
}

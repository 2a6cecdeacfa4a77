using System.Net;

namespace Timonier.Controllers.NodeIpam;

/// <summary>The equal parts of an IPv4 range: one for each node.</summary>
/// <param name="maskSize">Bits of a part's network, such as 24.</param>
internal sealed class CidrSet(IPNetwork range, int maskSize)
{
    /// <summary>How many parts there are.</summary>
    public int Count => 1 << (maskSize - range.PrefixLength);

    /// <summary>The first part that is not used; null when all are.</summary>
    public string? FirstFree(IReadOnlySet<string> used)
    {
        for (var i = 0; i < Count; i++)
        {
            var part = At(i);
            if (!used.Contains(part))
                return part;
        }
        return null;
    }

    private string At(int index)
    {
        var bytes = range.BaseAddress.GetAddressBytes();
        var number = ((uint)bytes[0] << 24 | (uint)bytes[1] << 16 | (uint)bytes[2] << 8 | bytes[3]) + ((uint)index << (32 - maskSize));
        return $"{number >> 24}.{(number >> 16) & 255}.{(number >> 8) & 255}.{number & 255}/{maskSize}";
    }
}

namespace Timonier.ApiServer.Strategies;

/// <summary>A kind with a spec whose changes raise metadata.generation, and no rules beyond that.</summary>
internal sealed class SpecStrategy : Strategy
{
    public override bool HasGeneration => true;
}

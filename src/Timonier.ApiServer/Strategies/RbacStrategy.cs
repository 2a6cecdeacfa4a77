namespace Timonier.ApiServer.Strategies;

/// <summary>Roles and bindings: any name that can stand in a path ("system:node"); they have no status.</summary>
public sealed class RbacStrategy : Strategy
{
    public override IReadOnlyList<string> NameFaults(string name, bool prefix)
    {
        if (name is "." or "..")
            return [$"may not be '{name}'"];
        return [.. "/%".Where(c => name.Contains(c, StringComparison.Ordinal)).Select(c => $"may not contain '{c}'")];
    }
}

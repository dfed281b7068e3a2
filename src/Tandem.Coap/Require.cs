namespace Tandem.Coap;

/// <summary>What an option must be.</summary>
internal static class Require
{
    public static void That(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"{name} {rule}.", name);
    }
}

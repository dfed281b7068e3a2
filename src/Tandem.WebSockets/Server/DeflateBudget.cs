using Tandem.Protocol.Compression;

namespace Tandem.WebSockets;

/// <summary>
/// How much memory all compression contexts of the process may take. A context is what makes compression expensive: with the default window
/// about 400 KB for a connection that keeps both of its contexts between messages, about 42 KiB for one that keeps none and
/// may be in the middle of receiving a message.
/// </summary>
internal static class DeflateBudget
{
    private static long _reserved;

    /// <summary>Bytes that the connections of the process may come to hold.</summary>
    public static long Reserved => Volatile.Read(ref _reserved);

    /// <summary>Decides what a new connection gets: contexts that are kept, contexts for one message at a time, or no compression.</summary>
    /// <param name="budget">Most bytes in all. Above three quarters of it no contexts are kept, above all of it nothing is compressed.</param>
    /// <param name="options">What the server would grant.</param>
    /// <returns>What it grants now; null for no compression.</returns>
    public static DeflateOptions? Grant(long budget, DeflateOptions options)
    {
        long reserved = Reserved;
        if (reserved + CostOfKept(options.ServerMaxWindowBits, options.MemoryLevel) <= budget / 4 * 3) return options;
        if (reserved + MessageInflater.MemoryFor(DeflateParameters.MaxWindowBits) > budget) return null;
        return options with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };
    }

    /// <summary>Counts a connection.</summary>
    /// <returns>What <see cref="Release"/> must be given when it ends.</returns>
    public static int Reserve(in DeflateParameters parameters, int memoryLevel)
    {
        int cost = MessageInflater.MemoryFor(parameters.ClientMaxWindowBits)
            + (parameters.ServerNoContextTakeover ? 0 : MessageDeflater.MemoryFor(parameters.ServerMaxWindowBits, memoryLevel));
        Interlocked.Add(ref _reserved, cost);
        return cost;
    }

    public static void Release(int cost) => Interlocked.Add(ref _reserved, -cost);

    private static int CostOfKept(int windowBits, int memoryLevel) =>
        MessageDeflater.MemoryFor(windowBits, memoryLevel) + MessageInflater.MemoryFor(DeflateParameters.MaxWindowBits);
}

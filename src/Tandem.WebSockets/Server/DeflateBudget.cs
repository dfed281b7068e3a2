using Tandem.Protocol.Compression;

namespace Tandem.WebSockets;

/// <summary>
/// How much memory the compression contexts of all connections of the process may take, whatever drives them: the event loop, or a
/// <see cref="WebSocketConnection"/> in either role. A context is what makes compression expensive: with the default window about 400 KB for a
/// connection that keeps both of its contexts between messages, about 42 KiB for one that keeps none and may be in the middle of receiving a
/// message.
/// </summary>
/// <remarks>
/// A connection is counted from when it is made until it ends. A server asks before it answers a handshake; handshakes that are between the
/// two may together go beyond the budget by what they will hold. What clients hold is counted and never refused: they offer what their
/// application asks for.
/// </remarks>
/// <example>
/// A server that does its own handshakes:
/// <code>
/// DeflateParameters parameters = default;
/// DeflateOptions? granted = DeflateBudget.Grant(DeflateBudget.DefaultBytes, options);
/// string? extensions = granted is null ? null : DeflateNegotiation.Accept(in head, granted, out parameters);
/// // ... the answer, with extensions as its Sec-WebSocket-Extensions, and then:
/// var socket = new WebSocketConnection(stream, new WebSocketConnectionOptions
/// {
///     Deflate = extensions is null ? null : parameters,
///     DeflateOptions = options,
/// });
/// </code>
/// </example>
public static class DeflateBudget
{
    /// <summary>The budget where nothing else is said: 256 MiB, about 500 connections with contexts, and 1,500 without.</summary>
    public const long DefaultBytes = 256L * 1024 * 1024;

    private static long _reserved;

    /// <summary>Bytes that the compression contexts of the process's connections may come to hold.</summary>
    public static long Reserved => Volatile.Read(ref _reserved);

    /// <summary>
    /// Decides what a server grants a new connection: contexts that are kept, contexts for one message at a time, or no compression. It
    /// reserves nothing: the connection does, when it is made.
    /// </summary>
    /// <param name="budget">Most bytes in all. Above three quarters of it no contexts are kept, above all of it nothing is compressed.</param>
    /// <param name="options">What the server would grant.</param>
    /// <returns>What it grants now; null for no compression.</returns>
    public static DeflateOptions? Grant(long budget, DeflateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        long reserved = Reserved;
        int inbound = CostOfInbound(DeflateParameters.MaxWindowBits);
        if (reserved + inbound + CostOfOutbound(options.ServerMaxWindowBits, keepsContext: true, options.MemoryLevel) <= budget / 4 * 3) return options;
        if (reserved + inbound > budget) return null;
        return options with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };
    }

    /// <summary>What receiving costs: even without a context between messages, the peer may leave a message unfinished.</summary>
    internal static int CostOfInbound(int windowBits) => MessageInflater.MemoryFor(windowBits);

    /// <summary>What sending costs: without a context between messages nothing, since compressors are shared then.</summary>
    internal static int CostOfOutbound(int windowBits, bool keepsContext, int memoryLevel) =>
        keepsContext ? MessageDeflater.MemoryFor(windowBits, memoryLevel) : 0;

    internal static void Add(int bytes) => Interlocked.Add(ref _reserved, bytes);
}

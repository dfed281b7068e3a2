using System.Diagnostics.CodeAnalysis;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// permessage-deflate of one connection over a stream. Its halves are used by different threads, receiving by the receiver and sending under
/// the connection's gate, so each half is let go by itself, and with it its share of the budget.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Disposed by halves, each by its own user.")]
internal sealed class ConnectionDeflate
{
    // As much as a receive buffer; an application's larger one is filled in several turns.
    private const int OutputSize = 16 * 1024;

    private const int Levels = 9;

    // Contexts that are not kept between messages are shared by all connections of the process: as many as may be in use at once.
    private static readonly InflaterPool Inflaters = new();
    private static readonly DeflaterPool?[] Deflaters = new DeflaterPool?[Levels * Levels];

    private readonly DeflateReservation _inboundShare;
    private readonly DeflateReservation _outboundShare;

    public ConnectionDeflate(in DeflateParameters parameters, DeflateOptions options, WebSocketRole role)
    {
        var client = (Bits: parameters.ClientMaxWindowBits, Keeps: !parameters.ClientNoContextTakeover);
        var server = (Bits: parameters.ServerMaxWindowBits, Keeps: !parameters.ServerNoContextTakeover);
        (var inbound, var outbound) = role == WebSocketRole.Server ? (client, server) : (server, client);
        _inboundShare = new DeflateReservation(DeflateBudget.CostOfInbound(inbound.Bits));
        _outboundShare = new DeflateReservation(DeflateBudget.CostOfOutbound(outbound.Bits, outbound.Keeps, options.MemoryLevel));
        Inbound = new InboundDeflate(Inflaters, inbound.Bits, inbound.Keeps, OutputSize);
        Outbound = new OutboundDeflate(PoolFor(options), outbound.Bits, outbound.Keeps) { MinimumSize = options.MinimumSize };
    }

    public InboundDeflate Inbound { get; }

    public OutboundDeflate Outbound { get; }

    public void DisposeInbound()
    {
        Inbound.Dispose();
        _inboundShare.Dispose();
    }

    public void DisposeOutbound()
    {
        Outbound.Dispose();
        _outboundShare.Dispose();
    }

    private static DeflaterPool PoolFor(DeflateOptions options)
    {
        ref DeflaterPool? pool = ref Deflaters[((options.Level - 1) * Levels) + options.MemoryLevel - 1];
        if (pool is null)
        {
            var own = new DeflateOptions { Level = options.Level, MemoryLevel = options.MemoryLevel };
            Interlocked.CompareExchange(ref pool, new DeflaterPool(own, Math.Max(4, 2 * Environment.ProcessorCount)), null);
        }

        return pool;
    }
}

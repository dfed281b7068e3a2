using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>permessage-deflate of one connection: both directions, and its place in the budget. Absent where it was not negotiated.</summary>
internal sealed class PeerDeflate : IDisposable
{
    private readonly int _cost;
    private long _countedIn;
    private long _countedOut;

    public PeerDeflate(in DeflateParameters parameters, InflaterPool inflaters, DeflaterPool deflaters, WebSocketRole role = WebSocketRole.Server)
    {
        var client = (Bits: parameters.ClientMaxWindowBits, Keeps: !parameters.ClientNoContextTakeover);
        var server = (Bits: parameters.ServerMaxWindowBits, Keeps: !parameters.ServerNoContextTakeover);
        (var inbound, var outbound) = role == WebSocketRole.Server ? (client, server) : (server, client);
        _cost = DeflateBudget.CostOfInbound(inbound.Bits) + DeflateBudget.CostOfOutbound(outbound.Bits, outbound.Keeps, deflaters.Options.MemoryLevel);
        DeflateBudget.Add(_cost);
        Inbound = new InboundDeflate(inflaters, inbound.Bits, inbound.Keeps);
        Outbound = new OutboundDeflate(deflaters, outbound.Bits, outbound.Keeps);
    }

    /// <summary>Bytes that both directions may come to hold.</summary>
    public int Cost => _cost;

    public InboundDeflate Inbound { get; }

    public OutboundDeflate Outbound { get; }

    /// <summary>Counts what has been inflated since the last time.</summary>
    public void CountInbound(TrafficCounters traffic)
    {
        traffic.CompressedReceived += Inbound.TotalIn - _countedIn;
        traffic.PlainReceived += Inbound.TotalOut - _countedOut;
        _countedIn = Inbound.TotalIn;
        _countedOut = Inbound.TotalOut;
    }

    public void Dispose()
    {
        Inbound.Dispose();
        Outbound.Dispose();
        DeflateBudget.Add(-_cost);
    }
}

using Tandem.Protocol.Compression;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>permessage-deflate of one connection: both directions, and its place in the budget. Absent where it was not negotiated.</summary>
internal sealed class PeerDeflate : IDisposable
{
    private readonly int _cost;
    private long _countedIn;
    private long _countedOut;

    public PeerDeflate(in DeflateParameters parameters, InflaterPool inflaters, DeflaterPool deflaters)
    {
        _cost = DeflateBudget.CostOfInbound(parameters.ClientMaxWindowBits)
            + DeflateBudget.CostOfOutbound(parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover, deflaters.Options.MemoryLevel);
        DeflateBudget.Add(_cost);
        Inbound = new InboundDeflate(inflaters, parameters.ClientMaxWindowBits, !parameters.ClientNoContextTakeover);
        Outbound = new OutboundDeflate(deflaters, parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover);
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

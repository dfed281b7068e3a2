using Tandem.Protocol.Compression;

namespace Tandem.WebSockets;

/// <summary>permessage-deflate of one connection: both directions, and its place in the budget. Absent where it was not negotiated.</summary>
internal sealed class PeerDeflate : IDisposable
{
    private readonly int _cost;

    public PeerDeflate(in DeflateParameters parameters, InflaterPool inflaters, DeflaterPool deflaters)
    {
        _cost = DeflateBudget.CostOfInbound(parameters.ClientMaxWindowBits)
            + DeflateBudget.CostOfOutbound(parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover, deflaters.Options.MemoryLevel);
        DeflateBudget.Add(_cost);
        Inbound = new InboundDeflate(inflaters, parameters.ClientMaxWindowBits, !parameters.ClientNoContextTakeover);
        Outbound = new OutboundDeflate(deflaters, parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover);
    }

    public InboundDeflate Inbound { get; }

    public OutboundDeflate Outbound { get; }

    public void Dispose()
    {
        Inbound.Dispose();
        Outbound.Dispose();
        DeflateBudget.Add(-_cost);
    }
}

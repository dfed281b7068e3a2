using System.Diagnostics.CodeAnalysis;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// permessage-deflate of one connection over a stream. Its halves are used by different threads, receiving by the receiver and sending under
/// the connection's gate, so each half has its own pool and is let go by itself.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Disposed by halves, each by its own user.")]
internal sealed class ConnectionDeflate
{
    // As much as a receive buffer; an application's larger one is filled in several turns.
    private const int OutputSize = 16 * 1024;

    private readonly InflaterPool _inflaters = new(OutputSize);
    private readonly DeflaterPool _deflaters;

    public ConnectionDeflate(in DeflateParameters parameters, DeflateOptions options, WebSocketRole role)
    {
        _deflaters = new DeflaterPool(options);
        bool server = role == WebSocketRole.Server;
        Inbound = server
            ? new InboundDeflate(_inflaters, parameters.ClientMaxWindowBits, !parameters.ClientNoContextTakeover)
            : new InboundDeflate(_inflaters, parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover);
        Outbound = server
            ? new OutboundDeflate(_deflaters, parameters.ServerMaxWindowBits, !parameters.ServerNoContextTakeover)
            : new OutboundDeflate(_deflaters, parameters.ClientMaxWindowBits, !parameters.ClientNoContextTakeover);
    }

    public InboundDeflate Inbound { get; }

    public OutboundDeflate Outbound { get; }

    /// <summary>What the payload of a compressed message comes out in.</summary>
    public byte[] Output => _inflaters.Output;

    public void DisposeInbound()
    {
        Inbound.Dispose();
        _inflaters.Dispose();
    }

    public void DisposeOutbound()
    {
        Outbound.Dispose();
        _deflaters.Dispose();
    }
}

using System.Net.WebSockets;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Sessions;

/// <summary>
/// A session's frames over a WebSocket. They are taken on the thread that serves the connection, at the end of its turn, all that there are and
/// as long as the connection has room: a burst leaves with one send, and a peer that does not read holds what the kernel took and little more.
/// </summary>
internal sealed class WebSocketCarrier(SessionHub hub, CarrierContext context, WebSocketPeer peer) : Carrier(hub, context)
{
    // Under which a frame keeps its message: one for all WebSockets, since the message itself knows the compressed forms.
    private static readonly object PreparedKey = new();

    private bool _isFull;
    private EndOfCarrier? _end;

    /// <summary>Sends what there is, while the connection takes it.</summary>
    public void Pump()
    {
        // What ends the carrier goes out in any case: it is a frame or two, and the connection's own bound stands.
        EndOfCarrier? end = Volatile.Read(ref _end);
        while ((!_isFull || end is not null) && TryTake(out SharedFrame? frame, out _))
        {
            _isFull = Send(frame) != SendStatus.Sent;
        }

        if (end is not null) peer.Close((WebSocketCloseStatus)end.Status, end.Reason);
    }

    /// <summary>The connection has taken everything.</summary>
    public void Drained()
    {
        _isFull = false;
        Pump();
    }

    /// <summary>Ends it from this side: the session, if there is one, waits for the next carrier.</summary>
    public void GiveUp(SessionCode code, string reason)
    {
        Detach();
        peer.Close((WebSocketCloseStatus)StatusOf(code), reason);
    }

    /// <summary>The close code that says why a carrier ends.</summary>
    public static int StatusOf(SessionCode code) => code == SessionCode.Ok ? 1000 : ProtocolLimits.CloseCodeBase + (int)code;

    protected override void OnReady() => peer.Notify();

    protected override void OnEnded(SessionCode code, string reason)
    {
        Volatile.Write(ref _end, new EndOfCarrier(StatusOf(code), reason));
        peer.Notify();
    }

    private SendStatus Send(SharedFrame frame)
    {
        // Only what many are sent is worth being kept in a prepared form.
        if (frame.Type != FrameType.Event) return peer.Send(WebSocketMessageType.Binary, frame.Span);
        object prepared = frame.Find(PreparedKey) ?? frame.Keep(PreparedKey, new PreparedMessage(WebSocketMessageType.Binary, frame.Bytes));
        return peer.Send((PreparedMessage)prepared);
    }

    private sealed record EndOfCarrier(int Status, string Reason);
}

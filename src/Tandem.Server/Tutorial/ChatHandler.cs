using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>The demo's <c>/chat</c>: a text message is a name and is greeted, a binary message comes back as it is. Whoever watches is told of every frame.</summary>
internal class ChatHandler(WireObservers observers) : WebSocketHandler
{
    private sealed record Session(string? Language, WebSocketPeer? Observer);

    public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context)
    {
        var session = new Session(request.GetQuery("lang"), observers.Find(request.GetQuery("id")));
        context.State = session;
        if (session.Observer is null) return;

        // The answer is a pure function of what is known here, so this is the very text that goes out.
        Span<byte> response = stackalloc byte[HttpHead.MaxLength];
        int length = ServerHandshake.WriteAccepted(response, in request, context.Subprotocol, context.Extensions, [.. context.Headers]);
        Span<byte> accept = stackalloc byte[AcceptKey.AcceptLength];
        AcceptKey.Compute(request.Key, accept);
        WireReport.Handshake(
            session.Observer,
            Encoding.Latin1.GetString(request.Head.Bytes),
            Encoding.Latin1.GetString(response[..length]),
            Encoding.Latin1.GetString(request.Key),
            Encoding.Latin1.GetString(accept));
    }

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        var session = (Session)peer.State!;
        if (session.Observer is not null)
        {
            // Of a message in several fragments the last frame is shown: its payload is the end of the message.
            FrameHeader frame = peer.Frame;
            WireReport.Frame(session.Observer, fromClient: true, in frame, payload[^(int)frame.PayloadLength..]);
        }

        ReadOnlySpan<byte> answer = type == WebSocketMessageType.Text ? Greeting.For(session.Language, payload) : payload;
        SendStatus status = peer.Send(type, answer);
        if (session.Observer is not null && status is SendStatus.Sent or SendStatus.Buffered) WireReport.SentFrame(session.Observer!, type, answer);
    }

    public override void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
        if (((Session)peer.State!).Observer is { } observer)
        {
            WireReport.Close(observer, (int)cause.Status, cause.Reason, cause.Initiator == CloseInitiator.Peer);
        }
    }
}

using System.Net.WebSockets;

namespace Tandem.Protocol.Framing;

/// <summary>What can happen to a connection that bears on its end.</summary>
public enum CloseSignal : byte
{
    /// <summary>This end closes: its application asked for it, or answers the peer's close.</summary>
    LocalClose,

    /// <summary>The peer's close frame arrived.</summary>
    PeerClose,

    /// <summary>The peer broke a rule: this end fails the connection (RFC 6455 section 7.1.7).</summary>
    Fault,

    /// <summary>The transport ended: the peer's FIN, a reset, or an error.</summary>
    TransportEnd,

    /// <summary>A deadline of the closing handshake passed, or this end gives up at once.</summary>
    Deadline,
}

/// <summary>What a driver does about a <see cref="CloseSignal"/>.</summary>
[Flags]
public enum CloseActions : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Send a close frame behind everything that is queued.</summary>
    SendClose = 1,

    /// <summary>When what is queued has gone out, end the sending side of the transport (FIN) and wait, within a deadline, for the peer's.</summary>
    EndTransport = 2,

    /// <summary>Let the transport go at once; what is queued is lost.</summary>
    DropTransport = 4,
}

/// <summary>
/// The closing handshake (RFC 6455 section 7) as a table: phases, which are the members of <see cref="WebSocketState"/> from
/// Open on, against signals. Its laws:
/// a close frame is sent at most once; nothing is sent after it; both frames make the connection Closed, anything less makes it Aborted;
/// the server ends TCP first (section 7.1.1), a client waits for that.
/// </summary>
public static class ClosingHandshake
{
    private const CloseActions None = CloseActions.None;
    private const CloseActions Send = CloseActions.SendClose;
    private const CloseActions End = CloseActions.EndTransport;
    private const CloseActions Drop = CloseActions.DropTransport;

    private const WebSocketState Open = WebSocketState.Open;
    private const WebSocketState Sent = WebSocketState.CloseSent;
    private const WebSocketState Received = WebSocketState.CloseReceived;
    private const WebSocketState Closed = WebSocketState.Closed;
    private const WebSocketState Aborted = WebSocketState.Aborted;

    // A server's table. A client's differs in one thing: see Next.
    private static readonly (WebSocketState Phase, CloseActions Actions)[][] Table =
    [
        //                 LocalClose             PeerClose         Fault                     TransportEnd       Deadline
        /* Open     */ [(Sent, Send),           (Received, None), (Aborted, Send | End),  (Aborted, Drop), (Aborted, Drop)],
        /* Sent     */ [(Sent, None),           (Closed, End),    (Aborted, End),         (Aborted, Drop), (Aborted, Drop)],
        /* Received */ [(Closed, Send | End),   (Received, None), (Received, None),       (Aborted, Drop), (Aborted, Drop)],
        /* Closed   */ [(Closed, None),         (Closed, None),   (Closed, None),         (Closed, Drop),  (Closed, Drop)],
        /* Aborted  */ [(Aborted, None),        (Aborted, None),  (Aborted, None),        (Aborted, Drop), (Aborted, Drop)],
    ];

    /// <summary>One step.</summary>
    /// <param name="phase">Open, CloseSent, CloseReceived, Closed or Aborted.</param>
    /// <param name="signal">What happened.</param>
    /// <param name="role">Which end this is.</param>
    /// <returns>The next phase, and what the driver does now.</returns>
    public static (WebSocketState Phase, CloseActions Actions) Next(WebSocketState phase, CloseSignal signal, WebSocketRole role)
    {
        (WebSocketState next, CloseActions actions) = Table[(int)phase - (int)Open][(int)signal];
        // Section 7.1.1: after both close frames the server closes TCP first, so that TIME_WAIT is the server's, where it hinders nobody from
        // connecting again; the client waits for it within its deadline. A client that fails the connection does not wait.
        if (role == WebSocketRole.Client && next == Closed) actions &= ~CloseActions.EndTransport;
        return (next, actions);
    }
}

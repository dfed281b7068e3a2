using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets;

/// <summary>Who or what ended a connection.</summary>
public enum CloseInitiator : byte
{
    /// <summary>This end's application closed it.</summary>
    Local,

    /// <summary>The peer closed it.</summary>
    Peer,

    /// <summary>The peer broke a rule: <see cref="CloseCause.Fault"/> says which.</summary>
    ProtocolFault,

    /// <summary>The transport ended without a closing handshake.</summary>
    TransportEnd,

    /// <summary>The peer was silent for too long, or did not finish the closing handshake in time.</summary>
    Timeout,

    /// <summary>The peer did not read what was sent to it, and more was waiting than may.</summary>
    Overflow,

    /// <summary>The handler threw an exception.</summary>
    HandlerError,
}

/// <summary>Why a connection ended.</summary>
/// <param name="Initiator">Who or what ended it.</param>
/// <param name="Status">
/// The code of the close frame that decided: the peer's, or the one that was sent to it. 1005 for a close frame without a code, 1006 when
/// the connection ended without one (RFC 6455 section 7.1.5).
/// </param>
/// <param name="Reason">The reason that came with the code; empty when there was none.</param>
/// <param name="Fault">The rule that the peer broke, when it did.</param>
public readonly record struct CloseCause(CloseInitiator Initiator, WebSocketCloseStatus Status, string Reason, ProtocolFault Fault)
{
    /// <summary>1006: there was no close frame. It exists to be reported and is never sent (RFC 6455 section 7.4.1).</summary>
    public const WebSocketCloseStatus Abnormal = (WebSocketCloseStatus)1006;

    internal static CloseCause Without(CloseInitiator initiator) => new(initiator, Abnormal, "", ProtocolFault.None);
}

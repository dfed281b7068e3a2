using Tandem.Protocol.Framing;

namespace Tandem.WebSockets;

/// <summary>
/// Says why a connection ended. <see cref="System.Net.WebSockets.WebSocketException"/> is sealed and knows a handful of error codes only, so the
/// exceptions of a <see cref="WebSocketConnection"/> carry one of these as their inner exception.
/// </summary>
public sealed class ConnectionEndedException : Exception
{
    internal ConnectionEndedException(in CloseCause cause, Exception? innerException)
        : base(Describe(cause), innerException) => Cause = cause;

    /// <summary>Who or what ended the connection, with which code, reason or broken rule.</summary>
    public CloseCause Cause { get; }

    private static string Describe(in CloseCause cause) => cause.Initiator switch
    {
        CloseInitiator.Local when cause.Status == CloseCause.Abnormal => "This end aborted the connection.",
        CloseInitiator.Local => $"This end closed the connection with {(int)cause.Status}.",
        CloseInitiator.Peer => $"The peer closed the connection with {(int)cause.Status}.",
        CloseInitiator.ProtocolFault => $"RFC 6455 section {cause.Fault.Section()}: {cause.Fault.Text()}.",
        CloseInitiator.TransportEnd => "The transport ended without a closing handshake.",
        _ => "The peer was silent for too long.",
    };
}

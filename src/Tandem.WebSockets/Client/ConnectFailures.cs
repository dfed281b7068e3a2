using System.Net.WebSockets;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Client;

/// <summary>The exceptions of a client that gets no connection: each is made here, with the code that the BCL's client gives it.</summary>
internal static class ConnectFailures
{
    public static WebSocketException TimedOut(WebSocketConnectPhase phase, TimeSpan timeout)
    {
        string message = phase switch
        {
            WebSocketConnectPhase.Dial => "No connection could be made",
            WebSocketConnectPhase.Proxy => "The proxy had not answered",
            WebSocketConnectPhase.Tls => "The TLS handshake was not complete",
            _ => "The server's answer to the opening handshake was not complete",
        };
        message = $"{message} after {timeout.TotalSeconds:0.###} s ({phase}).";
        return Wrap(WebSocketError.Faulted, new WebSocketConnectException(phase, message, new TimeoutException(message)));
    }

    public static WebSocketException Failed(WebSocketConnectPhase phase, Exception cause)
    {
        string message = phase switch
        {
            WebSocketConnectPhase.Dial => "No connection could be made",
            WebSocketConnectPhase.Proxy => "The connection to the proxy failed",
            WebSocketConnectPhase.Tls => "The TLS handshake failed",
            _ => "The connection failed during the opening handshake",
        };
        return Wrap(WebSocketError.Faulted, new WebSocketConnectException(phase, $"{message}: {cause.Message}", cause));
    }

    /// <summary>Bytes that are no response head.</summary>
    public static WebSocketException InvalidHead(WebSocketConnectPhase phase, HttpHeadStatus status)
    {
        string who = phase == WebSocketConnectPhase.Proxy ? "The proxy" : "The server";
        string detail = status == HttpHeadStatus.Complete ? "the status line" : status.ToString();
        return Wrap(WebSocketError.NotAWebSocket, new WebSocketConnectException(phase, $"{who} does not speak HTTP: {ClientHandshakeFault.InvalidHead.Text()}: {detail}.")
        {
            Fault = ClientHandshakeFault.InvalidHead,
        });
    }

    /// <summary>A 101 that breaks a rule.</summary>
    public static WebSocketException Broken(ClientHandshakeFault fault, ResponseHead head)
    {
        WebSocketError error = fault switch
        {
            ClientHandshakeFault.InvalidHead => WebSocketError.NotAWebSocket,
            ClientHandshakeFault.UnofferedSubprotocol => WebSocketError.UnsupportedProtocol,
            _ => WebSocketError.HeaderError,
        };
        return Wrap(error, new WebSocketConnectException(WebSocketConnectPhase.Handshake, $"The server's handshake is wrong: {fault.Text()}.")
        {
            Fault = fault,
            Status = head.Status,
            Headers = head.Headers,
        });
    }

    /// <summary>A status other than the one that was hoped for.</summary>
    public static WebSocketException Refused(WebSocketConnectPhase phase, ResponseHead head, byte[] body)
    {
        bool proxy = phase == WebSocketConnectPhase.Proxy;
        string message = proxy
            ? $"The proxy refused the tunnel with status {head.Status} (RFC 9110 section 9.3.6)."
            : $"The server refused the handshake with status {head.Status}: {ClientHandshakeFault.UnexpectedStatus.Text()}.";
        return Wrap(WebSocketError.NotAWebSocket, new WebSocketConnectException(phase, message)
        {
            Fault = proxy ? null : ClientHandshakeFault.UnexpectedStatus,
            Status = head.Status,
            Headers = head.Headers,
            Body = body,
        });
    }

    private static WebSocketException Wrap(WebSocketError error, WebSocketConnectException inner) => new(error, inner.Message, inner);
}

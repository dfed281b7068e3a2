using System.Net.WebSockets;

namespace Tandem.Protocol.Framing;

/// <summary>What each <see cref="ProtocolFault"/> means on the wire and to a reader of logs: the one table from rule to close code.</summary>
public static class ProtocolFaults
{
    private static readonly (WebSocketCloseStatus Status, string Text, string Section)[] Table = CreateTable();

    /// <summary>The close code to send (section 7.4.1).</summary>
    /// <param name="fault">Any member but <see cref="ProtocolFault.None"/>.</param>
    /// <returns>1002, 1007, 1008 or 1009.</returns>
    public static WebSocketCloseStatus CloseStatus(this ProtocolFault fault) => Table[(int)fault].Status;

    /// <summary>One clause that says what was wrong; at most 123 bytes of ASCII, so that it fits a close frame as its reason.</summary>
    /// <param name="fault">Any member but <see cref="ProtocolFault.None"/>.</param>
    /// <returns>For example "a client frame is not masked".</returns>
    public static string Text(this ProtocolFault fault) => Table[(int)fault].Text;

    /// <summary>The section of RFC 6455 that has the rule, or of another RFC with its number before it.</summary>
    /// <param name="fault">Any member but <see cref="ProtocolFault.None"/>.</param>
    /// <returns>For example "5.1" or "7692:7.2.2".</returns>
    public static string Section(this ProtocolFault fault) => Table[(int)fault].Section;

    private static (WebSocketCloseStatus Status, string Text, string Section)[] CreateTable()
    {
        const WebSocketCloseStatus protocol = WebSocketCloseStatus.ProtocolError;
        const WebSocketCloseStatus data = WebSocketCloseStatus.InvalidPayloadData;
        const WebSocketCloseStatus policy = WebSocketCloseStatus.PolicyViolation;
        const WebSocketCloseStatus size = WebSocketCloseStatus.MessageTooBig;
        var table = new (WebSocketCloseStatus, string, string)[(int)ProtocolFault.InvalidDeflateData + 1];
        void Rule(ProtocolFault fault, WebSocketCloseStatus status, string section, string text) => table[(int)fault] = (status, text, section);

        Rule(ProtocolFault.None, WebSocketCloseStatus.Empty, "", "nothing is wrong");
        Rule(ProtocolFault.ReservedBitSet, protocol, "5.2", "a reserved bit is set without an extension that defines it");
        Rule(ProtocolFault.ReservedOpcode, protocol, "5.2", "the opcode is reserved");
        Rule(ProtocolFault.FragmentedControlFrame, protocol, "5.5", "a control frame is fragmented");
        Rule(ProtocolFault.ControlFrameTooLong, protocol, "5.5", "a control frame has more than 125 bytes of payload");
        Rule(ProtocolFault.UnmaskedClientFrame, protocol, "5.1", "a client frame is not masked");
        Rule(ProtocolFault.MaskedServerFrame, protocol, "5.1", "a server frame is masked");
        Rule(ProtocolFault.UnexpectedContinuation, protocol, "5.4", "a continuation frame without a message to continue");
        Rule(ProtocolFault.ExpectedContinuation, protocol, "5.4", "a new message before the last fragment of the one in progress");
        Rule(ProtocolFault.NonMinimalLength, protocol, "5.2", "the length is not in its minimal form");
        Rule(ProtocolFault.LengthOver63Bits, protocol, "5.2", "the 64-bit length has its most significant bit set");
        Rule(ProtocolFault.FrameTooBig, size, "10.4", "the frame is larger than this end accepts");
        Rule(ProtocolFault.MessageTooBig, size, "10.4", "the message is larger than this end accepts");
        // Not 1009: each fragment, and their sum, may be small. What is refused is the manner (section 7.4.1: 1008 when nothing fits better).
        Rule(ProtocolFault.TooManyFragments, policy, "10.4", "the message has more fragments than this end accepts");
        Rule(ProtocolFault.InvalidUtf8, data, "8.1", "a text message is not UTF-8");
        Rule(ProtocolFault.TruncatedCloseCode, protocol, "5.5.1", "the close frame has one byte of payload, which is half a code");
        Rule(ProtocolFault.InvalidCloseCode, protocol, "7.4", "the close code must not be sent");
        Rule(ProtocolFault.InvalidUtf8InCloseReason, data, "5.5.1", "the close reason is not UTF-8");
        Rule(ProtocolFault.InvalidDeflateData, data, "7692:7.2.2", "a compressed message is not DEFLATE data within the negotiated window");
        return table;
    }
}

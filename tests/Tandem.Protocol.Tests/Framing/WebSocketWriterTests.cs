using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 sections 5.2 to 5.6 and 6.1: the exact bytes that are sent, and what this program may not ask to be sent.</summary>
public sealed class WebSocketWriterTests
{
    private const WebSocketMessageType Text = WebSocketMessageType.Text;
    private const WebSocketMessageType Binary = WebSocketMessageType.Binary;

    private static uint Key => BitConverter.ToUInt32(Wire.ExampleKey);

    [Theory]
    [InlineData(WebSocketRole.Server, "810548656c6c6f")]
    [InlineData(WebSocketRole.Client, "818537fa213d7f9f4d5158")]
    public void Section_5_7_a_single_frame_text_message(WebSocketRole role, string hex)
    {
        var writer = new WebSocketWriter(role);
        byte[] buffer = new byte[32];
        byte[] payload = "Hello"u8.ToArray();
        int written = writer.WriteFrame(buffer, Text, payload, endOfMessage: true, Key);
        Assert.Equal(Convert.FromHexString(hex), buffer[..written]);
        Assert.Equal(writer.FrameLength(5), written);
        Assert.Equal("Hello"u8.ToArray(), payload);
    }

    [Fact]
    public void Section_5_7_a_fragmented_unmasked_text_message()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[32];
        int first = writer.WriteFrame(buffer, Text, "Hel"u8, endOfMessage: false, 0);
        Assert.True(writer.IsInMessage);
        int second = writer.WriteFrame(buffer.AsSpan(first), Text, "lo"u8, endOfMessage: true, 0);
        Assert.False(writer.IsInMessage);
        Assert.Equal(Convert.FromHexString("010348656c80026c6f"), buffer[..(first + second)]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(65535)]
    [InlineData(65536)]
    public void Section_5_2_the_length_is_written_in_its_minimal_form(int length)
    {
        byte[] payload = Wire.Noise(length);
        foreach (WebSocketRole writes in Enum.GetValues<WebSocketRole>())
        {
            WebSocketRole reads = writes == WebSocketRole.Server ? WebSocketRole.Client : WebSocketRole.Server;
            var writer = new WebSocketWriter(writes);
            byte[] buffer = new byte[writer.FrameLength(length)];
            Assert.Equal(buffer.Length, writer.WriteFrame(buffer, Binary, payload, endOfMessage: true, Key));
            Assert.Equal(Wire.Frame(reads, Wire.Fin | Wire.Binary, payload), buffer);
        }
    }

    [Fact]
    public void Section_5_2_a_header_announces_up_to_2_to_the_63_less_1()
    {
        var writer = new WebSocketWriter(WebSocketRole.Client);
        byte[] buffer = new byte[FrameHeader.MaxLength];
        int written = writer.WriteHeader(buffer, Binary, long.MaxValue, endOfMessage: true, Key);
        Assert.Equal(Wire.Header(WebSocketRole.Server, Wire.Fin | Wire.Binary, long.MaxValue), buffer[..written]);
    }

    [Fact]
    public void Section_5_4_frames_after_the_first_are_continuations_and_control_frames_may_stand_between_them()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[200];
        var firstBytes = new List<byte>();
        void Note(int written) => firstBytes.Add(written > 0 ? buffer[0] : (byte)0);
        Note(writer.WriteFrame(buffer, Binary, [1], false, 0));
        Note(writer.WriteControl(buffer, Opcode.Ping, [], 0));
        Note(writer.WriteFrame(buffer, Binary, [], false, 0));
        Note(writer.WriteControl(buffer, Opcode.Pong, [2], 0));
        Note(writer.WriteHeader(buffer, Binary, 3, true, 0));
        Note(writer.WriteFrame(buffer, Text, [], true, 0));
        Note(writer.WriteFrame(buffer, Text, [], false, 0));
        Note(writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "", 0));
        Assert.Equal([0x02, 0x89, 0x00, 0x8A, 0x80, 0x81, 0x01, 0x88], firstBytes);
    }

    [Fact]
    public void Section_5_3_a_client_masks_every_frame_and_a_server_none()
    {
        foreach (WebSocketRole role in Enum.GetValues<WebSocketRole>())
        {
            var writer = new WebSocketWriter(role);
            byte[] buffer = new byte[200];
            void Check(int written)
            {
                bool masks = role == WebSocketRole.Client;
                Assert.Equal(masks, (buffer[1] & 0x80) != 0);
                int payload = buffer[1] & 0x7F;
                Assert.Equal(2 + (masks ? 4 : 0) + payload, written);
                if (masks) Assert.Equal(Wire.ExampleKey, buffer[2..6]);
            }

            Check(writer.WriteFrame(buffer, Text, "a"u8, false, Key));
            Check(writer.WriteHeader(buffer, Text, 0, true, Key));
            Check(writer.WriteControl(buffer, Opcode.Ping, "b"u8, Key));
            Check(writer.WriteControl(buffer, Opcode.Pong, [], Key));
            Check(writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "c", Key));
            Check(writer.WriteClose(buffer, WebSocketCloseStatus.Empty, "", Key));
        }
    }

    [Fact]
    public void Section_5_5_control_frames_have_their_exact_bytes()
    {
        var server = new WebSocketWriter(WebSocketRole.Server);
        var client = new WebSocketWriter(WebSocketRole.Client);
        byte[] buffer = new byte[200];
        Assert.Equal(Convert.FromHexString("890548656c6c6f"), buffer[..server.WriteControl(buffer, Opcode.Ping, "Hello"u8, 0)]);
        Assert.Equal(Convert.FromHexString("8a8537fa213d7f9f4d5158"), buffer[..client.WriteControl(buffer, Opcode.Pong, "Hello"u8, Key)]);
        Assert.Equal([0x88, 0x00], buffer[..server.WriteClose(buffer, WebSocketCloseStatus.Empty, "", 0)]);
        Assert.Equal([0x88, 0x02, 0x03, 0xE8], buffer[..server.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "", 0)]);
        Assert.Equal([0x88, 0x05, 0x03, 0xE9, .. "bye"u8], buffer[..server.WriteClose(buffer, WebSocketCloseStatus.EndpointUnavailable, "bye", 0)]);
    }

    [Fact]
    public void Section_5_5_a_control_payload_has_at_most_125_bytes()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[200];
        Assert.Equal(127, writer.WriteControl(buffer, Opcode.Ping, new byte[125], 0));
        Assert.Throws<ArgumentException>(() => writer.WriteControl(buffer, Opcode.Ping, new byte[126], 0));
        Assert.Throws<ArgumentException>(() => writer.WriteControl(buffer, Opcode.Pong, new byte[126], 0));
    }

    [Fact]
    public void Section_5_5_a_long_reason_is_cut_at_a_code_point_to_fill_at_most_123_bytes()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[200];
        // 61 characters of two bytes make 122; the next does not fit.
        int written = writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, new string('é', 100), 0);
        Assert.Equal(Wire.Frame(WebSocketRole.Client, 0x88, Wire.CloseBody(1000, new string('é', 61))), buffer[..written]);
        written = writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, new string('e', 124), 0);
        Assert.Equal(Wire.Frame(WebSocketRole.Client, 0x88, Wire.CloseBody(1000, new string('e', 123))), buffer[..written]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(2000)]
    [InlineData(5000)]
    [InlineData(65536 + 1000)]
    public void Section_7_4_a_code_that_must_not_be_sent_is_refused(int code)
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.WriteClose(new byte[200], (WebSocketCloseStatus)code, "", 0));
    }

    [Fact]
    public void Section_5_4_the_type_may_not_change_inside_a_message()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[32];
        writer.WriteFrame(buffer, Text, "a"u8, false, 0);
        Assert.Throws<InvalidOperationException>(() => writer.WriteFrame(buffer, Binary, "b"u8, true, 0));
        Assert.Throws<InvalidOperationException>(() => writer.WriteHeader(buffer, Binary, 1, true, 0));
        // The refusal changed nothing: the message goes on.
        Assert.True(writer.IsInMessage);
        writer.WriteFrame(buffer, Text, "b"u8, true, 0);
        Assert.Equal(0x80, buffer[0]);
        writer.WriteFrame(buffer, Binary, "c"u8, true, 0);
        Assert.Equal(0x82, buffer[0]);
    }

    [Fact]
    public void A_data_frame_is_text_or_binary_and_a_control_frame_is_a_ping_or_a_pong()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] buffer = new byte[32];
        Assert.Throws<ArgumentException>(() => writer.WriteFrame(buffer, WebSocketMessageType.Close, [], true, 0));
        Assert.Throws<ArgumentException>(() => writer.WriteHeader(buffer, WebSocketMessageType.Close, 0, true, 0));
        foreach (Opcode opcode in (Opcode[])[Opcode.Continuation, Opcode.Text, Opcode.Binary, Opcode.Close, (Opcode)0xB])
        {
            Assert.Throws<ArgumentException>(() => writer.WriteControl(buffer, opcode, [], 0));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => writer.WriteHeader(buffer, Text, -1, false, 0));
        Assert.False(writer.IsInMessage);
    }

    [Fact]
    public void A_frame_that_does_not_fit_its_destination_is_refused_and_begins_no_message()
    {
        foreach (WebSocketRole role in Enum.GetValues<WebSocketRole>())
        {
            var writer = new WebSocketWriter(role);
            byte[] payload = new byte[10];
            for (int length = 0; length < writer.FrameLength(payload.Length); length++)
            {
                Assert.ThrowsAny<SystemException>(() => writer.WriteFrame(new byte[length], Text, payload, false, Key));
                Assert.False(writer.IsInMessage, $"{role} with room for {length} bytes");
            }
        }
    }
}

using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 sections 5.5.1 and 7.4: which codes may be sent, and how a close frame's payload is written and judged.</summary>
public sealed class ClosePayloadTests
{
    [Fact]
    public void Section_7_4_every_code_from_0_to_65535_is_judged_by_the_rule()
    {
        // Section 7.4.1 and the IANA registry below 1016; section 7.4.2 for the ranges.
        int[] defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
        for (int code = 0; code <= 65535; code++)
        {
            bool sendable = Array.IndexOf(defined, code) >= 0 || code / 1000 is 3 or 4;
            var status = (WebSocketCloseStatus)code;
            Assert.True(sendable == ClosePayload.IsSendable(status), $"{code}");
            ProtocolFault fault = ClosePayload.Validate(Wire.CloseBody(code, "why"));
            Assert.True((fault == ProtocolFault.None) == sendable, $"{code}");
            if (sendable) continue;
            Assert.Equal(ProtocolFault.InvalidCloseCode, fault);
            if (status != WebSocketCloseStatus.Empty) Assert.Throws<ArgumentOutOfRangeException>(() => ClosePayload.Write(new byte[125], status, "why"));
        }
    }

    [Fact]
    public void Section_7_4_codes_outside_16_bits_are_not_sendable()
    {
        Assert.False(ClosePayload.IsSendable((WebSocketCloseStatus)(-1)));
        Assert.False(ClosePayload.IsSendable((WebSocketCloseStatus)(65536 + 1000)));
    }

    [Fact]
    public void Section_5_5_1_a_payload_is_empty_or_begins_with_a_whole_code()
    {
        Assert.Equal(ProtocolFault.None, ClosePayload.Validate([]));
        Assert.Equal(ProtocolFault.TruncatedCloseCode, ClosePayload.Validate([0x03]));
        Assert.Equal(ProtocolFault.None, ClosePayload.Validate([0x03, 0xE8]));
    }

    [Theory]
    [InlineData("FF")]
    [InlineData("E282")]
    [InlineData("EDA080")]
    [InlineData("61F4908080")]
    public void Section_5_5_1_a_reason_is_UTF_8(string hex)
    {
        byte[] payload = [.. Wire.CloseBody(1000), .. Convert.FromHexString(hex)];
        Assert.Equal(ProtocolFault.InvalidUtf8InCloseReason, ClosePayload.Validate(payload));
        // The code comes first, and is judged first.
        payload[1] = 0xED;
        Assert.Equal(ProtocolFault.InvalidCloseCode, ClosePayload.Validate(payload));
    }

    [Fact]
    public void Section_7_1_5_an_empty_payload_reads_as_1005_without_a_reason()
    {
        Assert.Equal(WebSocketCloseStatus.Empty, ClosePayload.Read([], out ReadOnlySpan<byte> reason));
        Assert.True(reason.IsEmpty);
        Assert.Same("", ClosePayload.ReasonText(reason));
    }

    [Fact]
    public void What_is_written_is_what_is_read()
    {
        byte[] buffer = new byte[125];
        foreach (string text in (string[])["", "bye", "tschüß", "\U0001F44B"])
        {
            int written = ClosePayload.Write(buffer, WebSocketCloseStatus.EndpointUnavailable, text);
            Assert.Equal(Wire.CloseBody(1001, text), buffer[..written]);
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, ClosePayload.Read(buffer.AsSpan(0, written), out ReadOnlySpan<byte> reason));
            Assert.Equal(text, ClosePayload.ReasonText(reason));
        }
    }

    [Fact]
    public void Writing_1005_writes_nothing_even_with_a_reason() =>
        Assert.Equal(0, ClosePayload.Write(new byte[125], WebSocketCloseStatus.Empty, "unsaid"));

    [Fact]
    public void Section_5_5_a_reason_is_cut_before_the_code_point_that_no_longer_fits()
    {
        byte[] buffer = new byte[125];
        foreach (string symbol in (string[])["x", "é", "€", "\U0001F600"])
        {
            int size = Encoding.UTF8.GetByteCount(symbol);
            for (int before = 118; before <= 124; before++)
            {
                string text = new string('.', before) + symbol + "!";
                int written = ClosePayload.Write(buffer, WebSocketCloseStatus.NormalClosure, text);
                // The longest beginning of the text in whole code points that fits in 123 bytes.
                int fits = before >= 123 ? 123 : before + size > 123 ? before : before + size + 1 > 123 ? before + size : before + size + 1;
                Assert.Equal(2 + fits, written);
                string read = Encoding.UTF8.GetString(buffer, 2, fits);
                Assert.StartsWith(read, text, StringComparison.Ordinal);
                Assert.Equal(ProtocolFault.None, ClosePayload.Validate(buffer.AsSpan(0, written)));
            }
        }
    }

    [Fact]
    public void A_lone_surrogate_in_a_reason_is_replaced_so_that_the_frame_is_still_UTF_8()
    {
        byte[] buffer = new byte[125];
        int written = ClosePayload.Write(buffer, WebSocketCloseStatus.NormalClosure, "a\uD83D!");
        Assert.Equal(Wire.CloseBody(1000, "a\uFFFD!"), buffer[..written]);
    }
}

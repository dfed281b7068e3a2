using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Drafts;

/// <summary>
/// What clients of hixie-75 and hixie-76 are sent (section 5.3 of hixie-76) for what a <see cref="WebSocketWriter"/> writes. Each is written whole, split at every byte and byte
/// by byte.
/// </summary>
public sealed class HixieWriterTests
{
    private static readonly byte[] Ping = Control(Opcode.Ping, "are you there?");
    private static readonly byte[] Pong = Control(Opcode.Pong, "");

    [Theory]
    [InlineData("", "00FF")]
    [InlineData("Hello", "0048656C6C6FFF")]
    [InlineData("é", "00C3A9FF")]
    public void A_text_stands_between_00_and_FF(string text, string hex) => Expect(hex, Message(text));

    [Theory]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    public void A_text_of_any_length_needs_none(int length)
    {
        string text = new('x', length);
        byte[] expected = [0x00, .. Encoding.ASCII.GetBytes(text), 0xFF];
        foreach (int size in (int[])[1, 1000, int.MaxValue])
        {
            (byte[] output, _) = Write(WebSocketDrafts.Hixie76, Message(text), size);
            Assert.True(expected.AsSpan().SequenceEqual(output));
        }
    }

    [Fact]
    public void Fragments_are_one_text_and_what_stands_between_them_is_left_out()
    {
        byte[] frames = [.. Fragment("Hel", ends: false, first: true), .. Ping, .. Fragment("", ends: false), .. Pong, .. Fragment("lo", ends: true), .. Message("next")];
        Expect("0048656C6C6FFF" + "006E657874FF", frames);
    }

    [Fact]
    public void Pings_and_pongs_are_left_out() => Expect("0061FF", [.. Ping, .. Message("a"), .. Pong]);

    [Fact]
    public void In_hixie76_a_close_frame_is_FF_00_whatever_its_code_is_and_nothing_follows()
    {
        foreach (byte[] close in (byte[][])[Close(WebSocketCloseStatus.Empty, ""), Close(WebSocketCloseStatus.NormalClosure, "done")])
        {
            byte[] frames = [.. Message("a"), .. close, .. Message("b")];
            ForEachCut(frames, size => Assert.Equal(("0061FFFF00", false, HixieFault.None), Result(WebSocketDrafts.Hixie76, frames, size)));
        }
    }

    [Fact]
    public void In_hixie75_a_close_frame_is_the_end_of_TCP()
    {
        byte[] frames = [.. Message("a"), .. Close(WebSocketCloseStatus.NormalClosure, "done")];
        ForEachCut(frames, size => Assert.Equal(("0061FF", true, HixieFault.None), Result(WebSocketDrafts.Hixie75, frames, size)));
    }

    [Fact]
    public void A_close_within_a_text_does_not_make_a_part_of_it_a_message()
    {
        byte[] frames = [.. Fragment("Hel", ends: false, first: true), .. Close(WebSocketCloseStatus.NormalClosure, "")];
        ForEachCut(frames, size => Assert.Equal(("0048656C", true, HixieFault.None), Result(WebSocketDrafts.Hixie76, frames, size)));
    }

    [Fact]
    public void A_binary_message_is_a_fault_of_which_nothing_is_written()
    {
        byte[] frames = [.. Message("a"), .. Frame(0x02, [1, 0xFF]), .. Frame(0x80, [0xFF, 0]), .. Message("b"), .. Close(WebSocketCloseStatus.InvalidMessageType, "")];
        ForEachCut(frames, size => Assert.Equal(("0061FF" + "0062FF" + "FF00", false, HixieFault.Binary), Result(WebSocketDrafts.Hixie76, frames, size)));
    }

    [Fact]
    public void A_text_with_FF_is_a_fault_behind_which_nothing_is_written()
    {
        byte[] frames = [.. Message("a"), .. Frame(0x81, [(byte)'b', 0xFF, 0x00, (byte)'c']), .. Message("d"), .. Close(WebSocketCloseStatus.NormalClosure, "")];
        ForEachCut(frames, size =>
        {
            (byte[] output, HixieWriter writer) = Write(WebSocketDrafts.Hixie76, frames, size);
            Assert.Equal(HixieFault.NotUtf8, writer.Fault);
            Assert.False(writer.EndsTransport);
            // How much of the text has gone is a matter of the pieces; not its end, nor what is behind.
            Assert.Contains(Convert.ToHexString(output), (string[])["0061FF00", "0061FF0062"]);
        });
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        byte[] frames = Message("Hello, world");
        byte[] output = new byte[frames.Length + HixieWriter.MaxGrowth];
        Assert.Equal(0, Allocation.InSteadyState(
            times =>
            {
                var writer = new HixieWriter(WebSocketDrafts.Hixie76);
                for (int i = 0; i < times; i++) writer.Translate(frames, output);
            },
            100));
    }

    // In both drafts.
    private static void Expect(string hex, byte[] frames) =>
        ForEachCut(frames, size =>
        {
            Assert.Equal((hex, false, HixieFault.None), Result(WebSocketDrafts.Hixie75, frames, size));
            Assert.Equal((hex, false, HixieFault.None), Result(WebSocketDrafts.Hixie76, frames, size));
        });

    private static void ForEachCut(byte[] frames, Action<int> expect)
    {
        for (int size = 1; size <= frames.Length; size++) expect(size);
    }

    private static (string Hex, bool EndsTransport, HixieFault Fault) Result(WebSocketDrafts draft, byte[] frames, int size)
    {
        (byte[] output, HixieWriter writer) = Write(draft, frames, size);
        return (Convert.ToHexString(output), writer.EndsTransport, writer.Fault);
    }

    private static (byte[] Output, HixieWriter Writer) Write(WebSocketDrafts draft, ReadOnlySpan<byte> frames, int size)
    {
        var writer = new HixieWriter(draft);
        var all = new List<byte>();
        while (!frames.IsEmpty)
        {
            int length = Math.Min(size, frames.Length);
            byte[] output = new byte[length + HixieWriter.MaxGrowth]; // just what is promised to be enough
            all.AddRange(output.AsSpan(0, writer.Translate(frames[..length], output)));
            frames = frames[length..];
        }

        return ([.. all], writer);
    }

    private static byte[] Message(string text) => Fragment(text, ends: true, first: true);

    private static byte[] Fragment(string text, bool ends, bool first = false) => Frame((byte)((ends ? 0x80 : 0) | (first ? 1 : 0)), Encoding.UTF8.GetBytes(text));

    private static byte[] Frame(byte first, byte[] payload)
    {
        byte[] frame = new byte[FrameHeader.MaxLength + payload.Length];
        int header = FrameHeader.Write(frame, first, payload.Length, masked: false, 0);
        payload.CopyTo(frame, header);
        return frame[..(header + payload.Length)];
    }

    private static byte[] Control(Opcode opcode, string payload) => Frame((byte)(0x80 | (byte)opcode), Encoding.ASCII.GetBytes(payload));

    private static byte[] Close(WebSocketCloseStatus status, string reason)
    {
        byte[] frame = new byte[FrameHeader.MaxLength + FrameHeader.MaxControlPayload];
        return frame[..new WebSocketWriter(WebSocketRole.Server).WriteClose(frame, status, reason, 0)];
    }
}

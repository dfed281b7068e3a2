using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 sections 5 and 6: what a writer of one role sends, a reader of the other role receives.</summary>
public sealed class RoundTripTests
{
    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void What_one_end_writes_the_other_end_reads(WebSocketRole writes)
    {
        WebSocketReaderOptions reads = Wire.Options(writes == WebSocketRole.Server ? WebSocketRole.Client : WebSocketRole.Server);
        for (int seed = 0; seed < 300; seed++)
        {
            (byte[] bytes, List<string> expected) = WriteConversation(writes, seed);
            try
            {
                Assert.Equal(expected, ReaderDriver.Run(reads, bytes));
                Assert.Equal(expected, ReaderDriver.RunByteByByte(reads, bytes));
            }
            catch (Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}");
            }
        }
    }

    /// <summary>Messages in random fragments with control frames between them, and a close frame last.</summary>
    private static (byte[] Bytes, List<string> Expected) WriteConversation(WebSocketRole role, int seed)
    {
        var random = new Random(seed);
        var writer = new WebSocketWriter(role);
        byte[] buffer = new byte[4096];
        var bytes = new List<byte>();
        var expected = new List<string>();
        uint Key() => (uint)random.NextInt64();
        for (int message = random.Next(6); message > 0; message--)
        {
            bool text = random.Next(2) == 0;
            byte[] payload = text
                ? Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("aé€\U0001F600", random.Next(40))))
                : Wire.Noise(random.Next(700));
            WebSocketMessageType type = text ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
            for (int done = 0, fragments = random.Next(1, 5); fragments > 0; fragments--)
            {
                int length = fragments == 1 ? payload.Length - done : random.Next(payload.Length - done + 1);
                bytes.AddRange(buffer[..writer.WriteFrame(buffer, type, payload.AsSpan(done, length), fragments == 1, Key())]);
                done += length;
                if (fragments == 1) expected.Add(ReaderDriver.MessageLine(type, payload));
                if (random.Next(3) != 0) continue;
                byte[] control = Wire.Noise(random.Next(126));
                Opcode opcode = random.Next(2) == 0 ? Opcode.Ping : Opcode.Pong;
                bytes.AddRange(buffer[..writer.WriteControl(buffer, opcode, control, Key())]);
                expected.Add(opcode == Opcode.Ping ? ReaderDriver.PingLine(control) : ReaderDriver.PongLine(control));
            }
        }

        if (random.Next(3) != 0)
        {
            bytes.AddRange(buffer[..writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "done", Key())]);
            expected.Add(ReaderDriver.CloseLine(1000, "done"));
        }

        return ([.. bytes], expected);
    }

    [Fact]
    public void Every_code_that_may_be_sent_arrives_with_its_reason()
    {
        var writer = new WebSocketWriter(WebSocketRole.Client);
        byte[] buffer = new byte[200];
        for (int code = 1000; code < 5000; code++)
        {
            if (!ClosePayload.IsSendable((WebSocketCloseStatus)code)) continue;
            int written = writer.WriteClose(buffer, (WebSocketCloseStatus)code, $"grüße {code}", 0x01020304);
            Assert.Equal([ReaderDriver.CloseLine(code, $"grüße {code}")], ReaderDriver.Run(Wire.Server, buffer.AsSpan(0, written)));
        }
    }

    [Fact]
    public void A_payload_that_the_driver_sends_itself_in_pieces_is_masked_as_one()
    {
        var writer = new WebSocketWriter(WebSocketRole.Client);
        byte[] header = new byte[FrameHeader.MaxLength];
        uint key = 0xA1B2C3D4;
        int written = writer.WriteHeader(header, WebSocketMessageType.Binary, 70_001, endOfMessage: true, key);
        byte[] payload = Wire.Noise(70_001);
        for (int done = 0; done < payload.Length; done += 1021)
        {
            int length = Math.Min(1021, payload.Length - done);
            Masking.Apply(payload.AsSpan(done, length), key);
            key = Masking.Rotate(key, length);
        }

        string expected = ReaderDriver.MessageLine(WebSocketMessageType.Binary, Wire.Noise(70_001));
        Assert.Equal([expected], ReaderDriver.Run(Wire.Server, [.. header[..written], .. payload]));
    }
}

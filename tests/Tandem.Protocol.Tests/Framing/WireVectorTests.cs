using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>
/// RFC 6455 sections 5.2 to 5.7: what comes out depends on the bytes, never on how TCP cuts them. Every vector is read whole, cut in two at
/// every byte, in single bytes, and truncated at every byte.
/// </summary>
public sealed class WireVectorTests
{
    public static TheoryData<string> Vectors => [.. WireVectors.All.Keys];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Read_whole_a_stream_gives_its_events(string name)
    {
        WireVector vector = WireVectors.All[name];
        Assert.Equal(vector.Events, ReaderDriver.Run(Wire.Options(vector.Role), vector.Bytes));
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Cut_at_every_byte_a_stream_gives_the_same_events(string name)
    {
        WireVector vector = WireVectors.All[name];
        foreach (int cut in Cuts(vector.Bytes.Length)) Assert.Equal(vector.Events, ReaderDriver.Run(Wire.Options(vector.Role), vector.Bytes, cut));
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void One_byte_at_a_time_a_stream_gives_the_same_events(string name)
    {
        WireVector vector = WireVectors.All[name];
        Assert.Equal(vector.Events, ReaderDriver.RunByteByByte(Wire.Options(vector.Role), vector.Bytes));
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Truncated_at_every_byte_a_stream_gives_fewer_events_and_no_fault(string name)
    {
        WireVector vector = WireVectors.All[name];
        foreach (int cut in Cuts(vector.Bytes.Length))
        {
            var driver = new ReaderDriver(Wire.Options(vector.Role));
            driver.Feed(vector.Bytes.AsSpan(0, cut));
            Assert.Equal(ProtocolFault.None, driver.Fault);
            // The last event of each vector takes its last byte, so a truncated stream lacks at least that.
            Assert.InRange(driver.Events.Count, 0, vector.Events.Length - 1);
            Assert.Equal(vector.Events[..driver.Events.Count], driver.Events);
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void All_streams_of_a_role_can_follow_each_other_on_one_connection(WebSocketRole role)
    {
        // All but those that end the connection.
        List<WireVector> vectors = [.. WireVectors.All.Values.Where(v => v.Role == role && !v.Events[^1].StartsWith("close", StringComparison.Ordinal))];
        byte[] bytes = [.. vectors.SelectMany(vector => vector.Bytes)];
        string[] events = [.. vectors.SelectMany(vector => vector.Events)];
        Assert.Equal(events, ReaderDriver.Run(Wire.Options(role), bytes));
        Assert.Equal(events, ReaderDriver.RunByteByByte(Wire.Options(role), bytes));
    }

    [Fact]
    public void Section_5_3_the_masking_key_may_be_zero()
    {
        Assert.Equal(["text 'Hi'"], ReaderDriver.Run(Wire.Server, [0x81, 0x82, 0, 0, 0, 0, (byte)'H', (byte)'i']));
    }

    [Fact]
    public void Section_5_4_the_first_part_of_a_message_comes_out_before_its_end_arrives()
    {
        var driver = new ReaderDriver(Wire.Server);
        byte[] frame = Wire.Frame(WebSocketRole.Server, Wire.Fin | Wire.Binary, Wire.Noise(1000));
        driver.Feed(frame.AsSpan(0, 8 + 400));
        Assert.Equal(400, driver.Pending);
        Assert.True(driver.IsInMessage);
        driver.Feed(frame.AsSpan(8 + 400));
        Assert.False(driver.IsInMessage);
    }

    [Fact]
    public void The_reader_tells_what_the_frame_and_the_message_still_are()
    {
        var reader = new WebSocketReader(Wire.Client);
        byte[] bytes = [.. Wire.Frame(WebSocketRole.Client, Wire.Text, "Hel"), .. Wire.Frame(WebSocketRole.Client, Wire.Fin | Wire.Continuation, "lo!")];
        Assert.Equal(WebSocketEvent.Payload, reader.Read(bytes.AsSpan(0, 3), out int consumed, out _));
        Assert.Equal((3, 2L, 3L, true), (consumed, reader.FrameRemaining, reader.MessageLength, reader.IsInMessage));
        Assert.Equal((Opcode.Text, false, 3L), (reader.Frame.Opcode, reader.Frame.Fin, reader.Frame.PayloadLength));
        Assert.Equal(WebSocketEvent.Payload, reader.Read(bytes.AsSpan(3), out consumed, out _));
        Assert.Equal((2, 0L, 3L, true), (consumed, reader.FrameRemaining, reader.MessageLength, reader.IsInMessage));
        Assert.Equal(WebSocketEvent.EndOfMessage, reader.Read(bytes.AsSpan(5), out consumed, out _));
        Assert.Equal((5, 0L, 0L, false), (consumed, reader.FrameRemaining, reader.MessageLength, reader.IsInMessage));
        Assert.Equal((Opcode.Continuation, true), (reader.Frame.Opcode, reader.Frame.Fin));
    }

    /// <summary>Every length from 0 to one less than all; of a long stream both ends, around every power of two, and a sample of the rest.</summary>
    private static IEnumerable<int> Cuts(int length) =>
        Enumerable.Range(0, length).Where(cut => cut < 300 || cut >= length - 40 || cut % 4093 == 0 || (cut % 4096 is 0 or 1 or 4095));
}

using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 10.4: limits hold to the byte, and are judged on what a header announces, before any of it is stored.</summary>
public sealed class LimitTests
{
    private const WebSocketRole Role = WebSocketRole.Server;

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(long.MaxValue)]
    [InlineData(WebSocketReaderOptions.DefaultMaxMessageSize + 1L)]
    public void Section_10_4_a_huge_length_is_refused_at_its_header(long announced)
    {
        foreach (int first in (int[])[Wire.Fin | Wire.Binary, Wire.Text])
        {
            List<string> events = ReaderDriver.Run(Wire.Server, Wire.Header(Role, first, announced));
            Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.MessageTooBig)], events);
        }
    }

    [Fact]
    public void The_default_message_size_itself_may_be_announced()
    {
        var driver = new ReaderDriver(Wire.Server);
        driver.Feed(Wire.Header(Role, Wire.Fin | Wire.Binary, WebSocketReaderOptions.DefaultMaxMessageSize));
        Assert.Equal(ProtocolFault.None, driver.Fault);
        Assert.True(driver.IsInMessage);
    }

    [Fact]
    public void Without_limits_a_frame_of_2_to_the_63_less_1_may_be_announced()
    {
        var driver = new ReaderDriver(new WebSocketReaderOptions { MaxMessageSize = long.MaxValue });
        driver.Feed(Wire.Header(Role, Wire.Binary, long.MaxValue));
        driver.Feed(new byte[100]);
        Assert.Equal(ProtocolFault.None, driver.Fault);
        Assert.Equal(100, driver.Pending);
    }

    [Fact]
    public void Without_limits_a_sum_over_2_to_the_63_less_1_does_not_wrap_around()
    {
        var reader = new WebSocketReader(new WebSocketReaderOptions { Role = WebSocketRole.Client, MaxMessageSize = long.MaxValue });
        byte[] bytes = [.. Wire.Frame(WebSocketRole.Client, Wire.Binary, 1), .. Wire.Header(WebSocketRole.Client, 0, long.MaxValue)];
        Assert.Equal(WebSocketEvent.Payload, reader.Read(bytes, out int consumed, out _));
        Assert.Equal(WebSocketEvent.Fault, reader.Read(bytes.AsSpan(consumed), out _, out _));
        Assert.Equal(ProtocolFault.MessageTooBig, reader.Fault);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1000)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(70000)]
    public void MaxMessageSize_is_exact_to_the_byte_in_one_frame(int limit)
    {
        var options = new WebSocketReaderOptions { MaxMessageSize = limit };
        Assert.StartsWith("binary", ReaderDriver.Run(options, Wire.Frame(Role, Wire.Fin | Wire.Binary, new byte[limit]))[0], StringComparison.Ordinal);
        byte[] tooMuch = Wire.Header(Role, Wire.Fin | Wire.Binary, limit + 1);
        Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.MessageTooBig)], ReaderDriver.Run(options, tooMuch));
        Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.MessageTooBig)], ReaderDriver.RunByteByByte(options, tooMuch));
    }

    [Fact]
    public void MaxMessageSize_is_exact_to_the_byte_over_several_fragments()
    {
        var options = new WebSocketReaderOptions { MaxMessageSize = 10 };
        byte[] begun =
        [
            .. Wire.Frame(Role, Wire.Binary, "abcd"), .. Wire.Frame(Role, 0, ""), .. Wire.Frame(Role, Wire.Fin | Wire.Ping, "ping"),
            .. Wire.Frame(Role, 0, "efgh"),
        ];
        Assert.Equal(["ping 'ping'", "binary 'abcdefghij'"], ReaderDriver.Run(options, [.. begun, .. Wire.Frame(Role, Wire.Fin, "ij")]));
        Assert.Equal(["ping 'ping'", "fault MessageTooBig"], ReaderDriver.Run(options, [.. begun, .. Wire.Frame(Role, Wire.Fin, "ijk")]));
        // Two that fit, one after the other: the count begins anew.
        byte[] ten = Wire.Frame(Role, Wire.Fin | Wire.Binary, "0123456789");
        Assert.Equal(["binary '0123456789'", "binary '0123456789'"], ReaderDriver.Run(options, [.. ten, .. ten]));
    }

    [Fact]
    public void MaxFrameSize_is_exact_to_the_byte_and_holds_for_each_frame()
    {
        var options = new WebSocketReaderOptions { MaxFrameSize = 4 };
        byte[] begun = Wire.Frame(Role, Wire.Text, "abcd");
        Assert.Equal(["text 'abcdefgh'"], ReaderDriver.Run(options, [.. begun, .. Wire.Frame(Role, Wire.Fin, "efgh")]));
        Assert.Equal(["fault FrameTooBig"], ReaderDriver.Run(options, [.. begun, .. Wire.Frame(Role, Wire.Fin, "efghi")]));
        Assert.Equal(["fault FrameTooBig"], ReaderDriver.Run(options, Wire.Frame(Role, Wire.Text, "abcde")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(124)]
    [InlineData(125)]
    public void Limits_hold_for_a_short_message_that_is_all_there(int limit)
    {
        foreach (int first in (int[])[Wire.Fin | Wire.Text, Wire.Fin | Wire.Binary])
        {
            byte[] most = Wire.Frame(Role, first, new byte[limit]);
            byte[] tooMuch = Wire.Frame(Role, first, new byte[limit + 1]);
            var message = new WebSocketReaderOptions { MaxMessageSize = limit };
            var frame = new WebSocketReaderOptions { MaxFrameSize = limit };
            var none = new WebSocketReaderOptions { MaxFragments = 0 };
            Assert.Equal(ReaderDriver.RunByteByByte(Wire.Server, most), ReaderDriver.Run(message, most));
            Assert.Equal(ReaderDriver.RunByteByByte(Wire.Server, most), ReaderDriver.Run(frame, most));
            Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.MessageTooBig)], ReaderDriver.Run(message, tooMuch));
            Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.FrameTooBig)], ReaderDriver.Run(frame, tooMuch));
            Assert.Equal([ReaderDriver.FaultLine(ProtocolFault.TooManyFragments)], ReaderDriver.Run(none, most));
        }
    }

    [Fact]
    public void Section_5_5_the_limits_of_data_are_not_those_of_control_frames()
    {
        var options = new WebSocketReaderOptions { MaxFrameSize = 1, MaxMessageSize = 1, MaxFragments = 1 };
        Assert.Equal(
            ["ping 'longer'", "pong 'longer'", "close 1000 'bye'"],
            ReaderDriver.Run(
                options,
                [
                    .. Wire.Frame(Role, Wire.Fin | Wire.Ping, "longer"), .. Wire.Frame(Role, Wire.Fin | Wire.Pong, "longer"),
                    .. Wire.Frame(Role, Wire.Fin | Wire.Close, Wire.CloseBody(1000, "bye")),
                ]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public void MaxFragments_is_exact_and_counts_data_frames_only(int limit)
    {
        var options = new WebSocketReaderOptions { MaxFragments = limit };
        byte[] message = Fragments(limit, withPings: true);
        List<string> events = ReaderDriver.Run(options, [.. message, .. message]);
        Assert.Equal(2, events.Count(line => line.StartsWith("binary", StringComparison.Ordinal)));
        Assert.Equal("fault TooManyFragments", ReaderDriver.Run(options, Fragments(limit + 1, withPings: true))[^1]);
    }

    [Fact]
    public void A_message_of_65537_fragments_of_one_byte_passes_with_the_defaults()
    {
        List<string> events = ReaderDriver.Run(Wire.Server, Fragments(65537, withPings: false));
        Assert.StartsWith("binary 65537 bytes", Assert.Single(events), StringComparison.Ordinal);
    }

    private static byte[] Fragments(int count, bool withPings)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < count; i++)
        {
            int first = (i == 0 ? Wire.Binary : Wire.Continuation) | (i == count - 1 ? Wire.Fin : 0);
            bytes.AddRange(Wire.Frame(Role, first, [(byte)i]));
            if (withPings) bytes.AddRange(Wire.Frame(Role, Wire.Fin | Wire.Ping));
        }

        return [.. bytes];
    }
}

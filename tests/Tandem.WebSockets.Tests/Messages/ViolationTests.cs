using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>
/// RFC 6455 section 7.1.7: for every rule that a client can break, it is told with the close code of that rule, the connection ends in
/// order, and the application learns the same. What came intact before is delivered and answered; nothing that comes after is.
/// </summary>
public abstract class ViolationTests(Driver driver)
{
    private const int Limit = 100_000;

    private static readonly Dictionary<ProtocolFault, byte[]> Violations = new()
    {
        [ProtocolFault.ReservedBitSet] = Wire.Frame(0xC1, 1),
        [ProtocolFault.ReservedOpcode] = Wire.Frame(0x83, 1),
        [ProtocolFault.FragmentedControlFrame] = Wire.Frame(0x09, 1),
        [ProtocolFault.ControlFrameTooLong] = Wire.Frame(0x89, new byte[126]),
        [ProtocolFault.UnmaskedClientFrame] = [0x81, 1, 65],
        [ProtocolFault.UnexpectedContinuation] = Wire.Frame(0x80, 1),
        [ProtocolFault.ExpectedContinuation] = [.. Wire.Frame(0x01, 65), .. Wire.Frame(0x81, 66)],
        [ProtocolFault.NonMinimalLength] = [0x82, 0xFE, 0, 1, 0, 0, 0, 0, 9],
        [ProtocolFault.LengthOver63Bits] = Wire.LongHeader(0x82, long.MinValue + 5),
        [ProtocolFault.MessageTooBig] = Wire.LongHeader(0x82, Limit + 1),
        [ProtocolFault.TooManyFragments] = [.. Wire.Frame(0x02), .. Wire.Concat(Enumerable.Repeat(Wire.Frame(0x00), new WebSocketReaderOptions().MaxFragments))],
        [ProtocolFault.InvalidUtf8] = Wire.Frame(0x81, 0x61, 0xC0, 0xAF),
        [ProtocolFault.TruncatedCloseCode] = Wire.Frame(0x88, 3),
        [ProtocolFault.InvalidCloseCode] = Wire.Close(1006),
        [ProtocolFault.InvalidUtf8InCloseReason] = Wire.Frame(0x88, 3, 0xE8, 0xFF),
    };

    public static TheoryData<ProtocolFault> Faults => [.. Violations.Keys];

    // The one that takes a megabyte would tell no more byte by byte.
    public static TheoryData<ProtocolFault> ShortFaults => [.. Violations.Keys.Where(fault => fault != ProtocolFault.TooManyFragments)];

    [Fact]
    public void Every_rule_that_this_server_can_see_broken_is_covered() =>
        Assert.Equal(
            // A client's fault, and a limit that the server's options do not have apart from that of a message; and what takes compression to
            // be broken (Compression.CompressedEchoTests).
            [ProtocolFault.None, ProtocolFault.MaskedServerFrame, ProtocolFault.FrameTooBig, ProtocolFault.InvalidDeflateData],
            Enum.GetValues<ProtocolFault>().Except(Violations.Keys));

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Is_answered_with_its_close_code_behind_what_was_intact(ProtocolFault fault)
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Start(handler);
        using RawClient client = await server.Open();
        byte[] all = [.. Wire.Text("intact"), .. Wire.Ping("ping"), .. Violations[fault], .. Wire.Text("ignored")];
        await client.Send(all);
        await client.ReadText("intact");
        Assert.Equal(Got.Pong, (await client.Read()).Kind);
        await AssertFailed(client, handler, fault);
        // Section 7.1.7: "continues to discard"; the client's own end is waited for, so nothing is lost to a reset.
        await client.Send(Wire.Text("ignored too"));
        client.EndSending();
        await server.NoConnections();
    }

    [Theory]
    [MemberData(nameof(ShortFaults))]
    public async Task Is_answered_alike_when_it_comes_byte_by_byte(ProtocolFault fault)
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("intact"));
        // The answer may come while bytes are still being sent.
        Task sending = client.SendInPieces(Violations[fault], 1);
        await client.ReadText("intact");
        await AssertFailed(client, handler, fault);
        await sending;
    }

    [Theory]
    [InlineData(WebSocketMessageType.Text)]
    [InlineData(WebSocketMessageType.Binary)]
    public async Task RFC6455_10_4_an_announced_gigabyte_or_more_is_refused_at_its_header(WebSocketMessageType type)
    {
        byte first = (byte)(0x80 | (type == WebSocketMessageType.Text ? 1 : 2));
        foreach (long length in (long[])[1L << 30, long.MaxValue, 1L << 32, (16 << 20) + 1])
        {
            TestHandler handler = TestHandler.Echo();
            await using TestServer server = driver.Start(handler);
            using RawClient client = await server.Open();
            await client.Send(Wire.LongHeader(first, length));
            await AssertFailed(client, handler, ProtocolFault.MessageTooBig);
        }
    }

    [Fact]
    public async Task RFC6455_10_4_fragments_that_add_up_to_too_much_are_refused_at_the_header_that_does()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat([Wire.Frame(0x02, new byte[60_000]), Wire.Frame(0x80, new byte[40_000])]));
        Assert.Equal(Limit, (await client.Read()).Payload.Length);
        await client.Send(Wire.Concat([Wire.Frame(0x02, new byte[60_000]), Wire.Frame(0x80, new byte[40_001])[..8]]));
        await AssertFailed(client, handler, ProtocolFault.MessageTooBig);
    }

    [Fact]
    public async Task RFC6455_8_1_text_is_judged_as_it_comes_not_at_the_end_of_the_message()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        // A large message, so that the later bytes are received straight into it.
        byte[] text = new byte[1 << 20];
        text.AsSpan().Fill((byte)'a');
        text[600_000] = 0xFF;
        byte[] frame = Wire.Message(WebSocketMessageType.Text, text);
        await client.Send(frame.AsMemory(0, 700_000));
        await AssertFailed(client, handler, ProtocolFault.InvalidUtf8);
    }

    [Fact]
    public async Task A_violation_after_this_end_has_closed_ends_the_connection()
    {
        var handler = new TestHandler { Open = peer => peer.Close() };
        await using TestServer server = Start(handler);
        using RawClient client = await server.Open();
        await client.ReadClose(1000);
        await client.Send(Violations[ProtocolFault.UnmaskedClientFrame]);
        await client.ReadEnd();
        await handler.CloseCause();
    }

    private TestServer Start(TestHandler handler) =>
        driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxMessageSize = Limit });

    private async Task AssertFailed(RawClient client, TestHandler handler, ProtocolFault fault)
    {
        Received close = await client.ReadClose((int)fault.CloseStatus());
        Assert.Equal(fault.Text(), close.Reason);
        await client.ReadEnd();
        Assert.Equal(new CloseCause(CloseInitiator.ProtocolFault, fault.CloseStatus(), fault.Text(), fault), await handler.CloseCause());
        Assert.Equal(WebSocketState.Aborted, handler.Peer.ConnectionState);
        Assert.Empty(handler.Errors);
    }
}

public sealed class ViolationOnLoops() : ViolationTests(Driver.Loops);

public sealed class ViolationOnStreams() : ViolationTests(Driver.Streams);

using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>
/// RFC 6455 section 7.1.7: each rule of <see cref="ProtocolFault"/> is reached, at the first byte that breaks it and not later, and named
/// the same however the bytes are cut. Only the payload of a control frame is judged when the frame is whole, as it is read whole.
/// </summary>
public sealed class ProtocolFaultTests
{
    /// <summary>Legal bytes, then bytes of which the last is the first that breaks the rule.</summary>
    private sealed record Violation(ProtocolFault Fault, WebSocketReaderOptions Options, byte[] Legal, byte[] Offending);

    // permessage-deflate has violations, and tests of them, of its own: Compression.DeflateFaultTests.
    private static readonly ProtocolFault[] OfExtensions = [ProtocolFault.InvalidDeflateData];

    private static readonly WebSocketReaderOptions Small = new() { MaxFrameSize = 1000, MaxMessageSize = 2000, MaxFragments = 3 };

    private static readonly Dictionary<string, Violation> Violations = Create();

    public static TheoryData<string> Names => [.. Violations.Keys];

    public static TheoryData<ProtocolFault> Faults => [.. Enum.GetValues<ProtocolFault>().Where(fault => fault != ProtocolFault.None)];

    [Fact]
    public void Every_fault_is_reached_by_a_violation_of_this_table()
    {
        IEnumerable<ProtocolFault> all = Enum.GetValues<ProtocolFault>().Where(fault => fault != ProtocolFault.None).Except(OfExtensions);
        Assert.Equal(all, Violations.Values.Select(violation => violation.Fault).Distinct().Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_violation_is_named_at_its_first_byte_and_not_before(string name)
    {
        Violation violation = Violations[name];
        var driver = new ReaderDriver(violation.Options);
        foreach (byte b in (byte[])[.. violation.Legal, .. violation.Offending[..^1]])
        {
            driver.Feed([b]);
            Assert.Equal(ProtocolFault.None, driver.Fault);
        }

        driver.Feed(violation.Offending.AsSpan(^1..));
        Assert.Equal(violation.Fault, driver.Fault);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_violation_is_named_the_same_however_the_bytes_are_cut(string name)
    {
        Violation violation = Violations[name];
        // What follows a violation does not matter, even if it completes a header that would break a further rule.
        foreach (byte following in (byte[])[0x00, 0x01, 0x7F, 0xFF])
        {
            byte[] bytes = [.. violation.Legal, .. violation.Offending, .. Enumerable.Repeat(following, 20)];
            List<string> expected = ReaderDriver.RunByteByByte(violation.Options, bytes);
            Assert.Equal(ReaderDriver.FaultLine(violation.Fault), expected[^1]);
            for (int cut = 0; cut <= bytes.Length; cut++) Assert.Equal(expected, ReaderDriver.Run(violation.Options, bytes, cut));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_came_intact_before_a_violation_in_the_same_buffer_is_still_delivered(string name)
    {
        Violation violation = Violations[name];
        WebSocketRole role = violation.Options.Role;
        byte[] intact =
        [
            .. Wire.Frame(role, Wire.Fin | Wire.Text, "intact"), .. Wire.Frame(role, Wire.Fin | Wire.Ping, "too"),
            .. Wire.Frame(role, Wire.Fin | Wire.Binary, ""),
        ];
        List<string> events = ReaderDriver.Run(violation.Options, [.. intact, .. violation.Legal, .. violation.Offending]);
        Assert.Equal(["text 'intact'", "ping 'too'", "binary ''"], events[..3]);
        Assert.Equal(ReaderDriver.FaultLine(violation.Fault), events[^1]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Section_7_1_7_after_a_violation_everything_is_discarded(string name)
    {
        Violation violation = Violations[name];
        var reader = new WebSocketReader(violation.Options);
        Span<byte> input = [.. violation.Legal, .. violation.Offending];
        WebSocketEvent happened;
        while ((happened = reader.Read(input, out int consumed, out _)) != WebSocketEvent.Fault)
        {
            Assert.NotEqual(WebSocketEvent.NeedMoreData, happened);
            input = input[consumed..];
        }

        byte[] legal = Wire.Frame(violation.Options.Role, Wire.Fin | Wire.Text, "too late");
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(WebSocketEvent.Fault, reader.Read(legal.AsSpan(i), out int consumed, out Span<byte> payload));
            Assert.Equal(legal.Length - i, consumed);
            Assert.True(payload.IsEmpty);
            Assert.Equal(violation.Fault, reader.Fault);
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void Section_5_5_1_after_a_close_frame_everything_is_discarded(WebSocketRole role)
    {
        byte[] close = Wire.Frame(role, Wire.Fin | Wire.Close, Wire.CloseBody(1000));
        byte[] bytes = [.. close, .. Wire.Frame(role, Wire.Fin | Wire.Text, "late"), .. close, 0xFF, 0xFF, 0xFF];
        Assert.Equal(["close 1000 ''"], ReaderDriver.Run(Wire.Options(role), bytes));
        Assert.Equal(["close 1000 ''"], ReaderDriver.RunByteByByte(Wire.Options(role), bytes));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Section_7_4_every_fault_has_a_code_that_may_be_sent(ProtocolFault fault)
    {
        Assert.True(ClosePayload.IsSendable(fault.CloseStatus()));
        Assert.Contains((int)fault.CloseStatus(), (int[])[1002, 1007, 1008, 1009]);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Section_5_5_every_text_fits_a_close_frame_as_its_reason(ProtocolFault fault)
    {
        Assert.InRange(fault.Text().Length, 10, ClosePayload.MaxReasonLength);
        Assert.True(Ascii.IsValid(fault.Text()));
        Assert.Matches("^(7692:)?[1-9][0-9]?(\\.[0-9]+)+$", fault.Section());
    }

    [Fact]
    public void Section_7_4_1_names_the_code_of_each_kind_of_fault()
    {
        foreach (ProtocolFault fault in Enum.GetValues<ProtocolFault>().Where(fault => fault != ProtocolFault.None))
        {
            WebSocketCloseStatus expected = fault switch
            {
                ProtocolFault.FrameTooBig or ProtocolFault.MessageTooBig => WebSocketCloseStatus.MessageTooBig,
                ProtocolFault.TooManyFragments => WebSocketCloseStatus.PolicyViolation,
                ProtocolFault.InvalidUtf8 or ProtocolFault.InvalidUtf8InCloseReason or ProtocolFault.InvalidDeflateData => WebSocketCloseStatus.InvalidPayloadData,
                _ => WebSocketCloseStatus.ProtocolError,
            };
            Assert.Equal(expected, fault.CloseStatus());
        }

        Assert.Equal(Faults.Count, Faults.Select(row => row.Data.Text()).Distinct().Count());
    }

    private static Dictionary<string, Violation> Create()
    {
        var all = new Dictionary<string, Violation>();
        void Add(Violation violation, string how) => all.Add($"{violation.Fault}: {how}", violation);
        void Server(ProtocolFault fault, string how, byte[] legal, params byte[] offending) => Add(new(fault, Wire.Server, legal, offending), how);
        void Client(ProtocolFault fault, string how, byte[] legal, params byte[] offending) => Add(new(fault, Wire.Client, legal, offending), how);
        void Limit(ProtocolFault fault, string how, byte[] legal, params byte[] offending) => Add(new(fault, Small, legal, offending), how);
        static byte[] F(int first, params byte[] payload) => Wire.Frame(WebSocketRole.Server, first, payload);
        const int fin = Wire.Fin;
        byte[] key = Wire.ExampleKey;
        byte[] textBegun = F(Wire.Text, (byte)'a');

        foreach (byte bit in (byte[])[0x40, 0x20, 0x10, 0x70])
        {
            Server(ProtocolFault.ReservedBitSet, $"{bit:X2} on text", [], (byte)(fin | bit | Wire.Text));
            Server(ProtocolFault.ReservedBitSet, $"{bit:X2} on a continuation", textBegun, (byte)(fin | bit));
            Client(ProtocolFault.ReservedBitSet, $"{bit:X2} on a ping", [], (byte)(fin | bit | Wire.Ping));
        }

        foreach (byte opcode in (byte[])[3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
        {
            Server(ProtocolFault.ReservedOpcode, $"{opcode:X}", [], (byte)(fin | opcode));
            Server(ProtocolFault.ReservedOpcode, $"{opcode:X} in a message, without FIN", textBegun, opcode);
        }

        foreach (byte opcode in (byte[])[Wire.Close, Wire.Ping, Wire.Pong])
        {
            Server(ProtocolFault.FragmentedControlFrame, $"{opcode:X}", [], opcode);
            Client(ProtocolFault.FragmentedControlFrame, $"{opcode:X} to a client", [], opcode);
            Server(ProtocolFault.ControlFrameTooLong, $"{opcode:X} of 126 bytes", [], (byte)(fin | opcode), 0x80 | 126);
            Server(ProtocolFault.ControlFrameTooLong, $"{opcode:X} with a 64-bit length", [], (byte)(fin | opcode), 0x80 | 127);
            Client(ProtocolFault.ControlFrameTooLong, $"{opcode:X} to a client", [], (byte)(fin | opcode), 126);
            Server(ProtocolFault.UnmaskedClientFrame, $"{opcode:X}", [], (byte)(fin | opcode), 0);
            Client(ProtocolFault.MaskedServerFrame, $"{opcode:X}", [], (byte)(fin | opcode), 0x80);
        }

        foreach (byte length in (byte[])[0, 5, 125, 126, 127])
        {
            Server(ProtocolFault.UnmaskedClientFrame, $"text with length {length}", [], fin | Wire.Text, length);
            Client(ProtocolFault.MaskedServerFrame, $"binary with length {length}", [], fin | Wire.Binary, (byte)(0x80 | length));
        }

        Server(ProtocolFault.UnexpectedContinuation, "first of all", [], fin);
        Server(ProtocolFault.UnexpectedContinuation, "without FIN", [], 0);
        Server(ProtocolFault.UnexpectedContinuation, "after a whole message", F(fin | Wire.Text), fin);
        Server(ProtocolFault.ExpectedContinuation, "text in text", textBegun, fin | Wire.Text);
        Server(ProtocolFault.ExpectedContinuation, "binary in text, after a ping", [.. textBegun, .. F(fin | Wire.Ping)], Wire.Binary);

        Server(ProtocolFault.NonMinimalLength, "0 in 16 bits", [], fin | Wire.Binary, 0x80 | 126, 0, 0);
        Server(ProtocolFault.NonMinimalLength, "125 in 16 bits", [], fin | Wire.Binary, 0x80 | 126, 0, 125);
        Client(ProtocolFault.NonMinimalLength, "125 in 16 bits, to a client", [], fin | Wire.Binary, 126, 0, 125);
        Server(ProtocolFault.NonMinimalLength, "in 64 bits what 16 hold, shown by the sixth zero", [], fin | Wire.Binary, 0x80 | 127, 0, 0, 0, 0, 0, 0);
        Client(ProtocolFault.NonMinimalLength, "in 64 bits, to a client", [], fin | Wire.Text, 127, 0, 0, 0, 0, 0, 0);
        Server(ProtocolFault.LengthOver63Bits, "shown by the first bit", [], fin | Wire.Binary, 0x80 | 127, 0x80);
        Client(ProtocolFault.LengthOver63Bits, "to a client", [], fin | Wire.Binary, 127, 0xFF);

        Limit(ProtocolFault.FrameTooBig, "1001 of 1000", [], fin | Wire.Binary, 0x80 | 126, 0x03, 0xE9);
        Limit(ProtocolFault.FrameTooBig, "1024 of 1000, shown by the first byte of the length", [], fin | Wire.Binary, 0x80 | 126, 0x04);
        Limit(ProtocolFault.FrameTooBig, "any 64-bit length", [], fin | Wire.Binary, 0x80 | 127);
        Limit(ProtocolFault.MessageTooBig, "1000 + 1000 + 1", [.. F(Wire.Binary, new byte[1000]), .. F(0, new byte[1000])], fin, 0x81);
        Server(ProtocolFault.MessageTooBig, "2^63-1 announced", [], fin | Wire.Binary, 0x80 | 127, 0x7F);
        Server(ProtocolFault.MessageTooBig, "1 GiB announced", [], fin | Wire.Binary, 0x80 | 127, 0, 0, 0, 0, 0x40);
        Limit(ProtocolFault.TooManyFragments, "a fourth", [.. F(Wire.Binary), .. F(0, 1), .. F(fin | Wire.Ping), .. F(0)], fin);

        Server(ProtocolFault.InvalidUtf8, "FF at once", [], [fin | Wire.Text, 0x85, .. key, (byte)(0xFF ^ key[0])]);
        Server(ProtocolFault.InvalidUtf8, "a lone continuation byte", [], [fin | Wire.Text, 0x85, .. key, (byte)('a' ^ key[0]), (byte)(0x80 ^ key[1])]);
        Server(ProtocolFault.InvalidUtf8, "a message ends in a code point", [], F(fin | Wire.Text, 0xE2, 0x82));
        Server(ProtocolFault.InvalidUtf8, "an empty last fragment leaves it open", [.. F(Wire.Text, 0xE2, 0x82)], F(fin));
        Server(ProtocolFault.TruncatedCloseCode, "announced", [], fin | Wire.Close, 0x81);
        Client(ProtocolFault.TruncatedCloseCode, "announced to a client", [], fin | Wire.Close, 1);
        foreach (int code in (int[])[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
        {
            Server(ProtocolFault.InvalidCloseCode, $"{code}", [], F(fin | Wire.Close, Wire.CloseBody(code)));
        }

        Server(ProtocolFault.InvalidUtf8InCloseReason, "C0", [], F(fin | Wire.Close, [.. Wire.CloseBody(1000), 0xC0]));
        Server(ProtocolFault.InvalidUtf8InCloseReason, "ends in a code point", [], F(fin | Wire.Close, [.. Wire.CloseBody(1000, "a"), 0xE2, 0x82]));
        return all;
    }
}

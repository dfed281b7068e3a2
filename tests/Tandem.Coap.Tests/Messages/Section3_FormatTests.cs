using System.Text;

namespace Tandem.Coap.Tests.Messages;

/// <summary>RFC 7252 section 3: what is on the wire. Each vector is read whole and truncated at every byte, and written again.</summary>
public sealed class Section3_FormatTests
{
    // The lengths and deltas at which the encoding changes its form (section 3.1).
    public static TheoryData<int> Lengths => [0, 1, 12, 13, 14, 268, 269, 270, 1034];

    public static TheoryData<int> Numbers => [1, 12, 13, 14, 268, 269, 270, 65535];

    [Fact]
    public void A_request_of_appendix_A_is_read()
    {
        CoapMessage message = Read("40017d34bb74656d7065726174757265");
        Assert.Equal((CoapType.Confirmable, CoapCode.Get, (ushort)0x7D34, 0), (message.Type, message.Code, message.MessageId, message.Token.Length));
        Assert.Equal("temperature", message.Options.Path);
        Assert.True(message.Payload.IsEmpty);
    }

    [Fact]
    public void A_response_of_appendix_A_is_read()
    {
        CoapMessage message = Read("61457d3520ff32322e332043");
        Assert.Equal((CoapType.Acknowledgement, CoapCode.Content, (ushort)0x7D35, "20"), (message.Type, message.Code, message.MessageId, message.Token.ToString()));
        Assert.Equal("22.3 C", Encoding.UTF8.GetString(message.Payload.Span));
    }

    [Fact]
    public void Options_with_the_same_number_keep_their_order()
    {
        CoapMessage message = Read("40010000" + "b161" + "0162" + "0163");
        Assert.Equal("a/b/c", message.Options.Path);
    }

    [Theory]
    [InlineData("40017d34bb74656d7065726174757265")]
    [InlineData("60457d34ff32322e332043")]
    [InlineData("41017d3520bb74656d7065726174757265")]
    [InlineData("40000001")]
    [InlineData("7000ffff")]
    [InlineData("58041234010203040506070811aa")]
    [InlineData("50010000b000ffff")]
    [InlineData("4401abcd01020304" + "60" + "5161" + "c10e" + "41ff" + "d10161" + "d1c861" + "e10000aa" + "ff61")]
    public void A_vector_is_written_as_it_was_read_and_so_is_every_part_of_it_that_is_a_message(string hex)
    {
        byte[] datagram = Convert.FromHexString(hex);
        Assert.Equal(hex, Convert.ToHexStringLower(Read(hex).ToArray()));
        for (int length = 0; length < datagram.Length; length++)
        {
            bool isMessage = CoapMessage.TryParse(datagram.AsMemory(0, length), out CoapMessage? message, out CoapFault fault);
            Assert.Equal(isMessage, fault == CoapFault.None);
            Assert.Equal(isMessage, message is not null);
            if (length < 4) Assert.Equal(CoapFault.TooShort, fault);
            if (isMessage) Assert.Equal(datagram[..length], message!.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Option_lengths_have_three_forms(int length)
    {
        var message = new CoapMessage(CoapType.Confirmable, CoapCode.Get, 1);
        message.Options.Add(CoapOptionNumber.UriPath, new byte[length]);
        byte[] datagram = message.ToArray();
        int extended = length < 13 ? 0 : length < 269 ? 1 : 2;
        Assert.Equal(4 + 1 + extended + length, datagram.Length);
        Assert.Equal(length < 13 ? length : 12 + extended, datagram[4] & 15);
        Assert.Equal(length, Assert.Single(Read(datagram).Options).Value.Length);
        for (int cut = 5; cut < datagram.Length; cut++) Assert.Equal(CoapFault.TruncatedOption, FaultOf(datagram[..cut]));
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Option_deltas_have_three_forms(int number)
    {
        var message = new CoapMessage(CoapType.Confirmable, CoapCode.Get, 1);
        message.Options.Add((CoapOptionNumber)number, new byte[] { 7 });
        byte[] datagram = message.ToArray();
        int extended = number < 13 ? 0 : number < 269 ? 1 : 2;
        Assert.Equal(4 + 1 + extended + 1, datagram.Length);
        Assert.Equal(number, (int)Assert.Single(Read(datagram).Options).Number);
    }

    [Theory]
    [InlineData("", CoapFault.TooShort)]
    [InlineData("400100", CoapFault.TooShort)]
    [InlineData("00010000", CoapFault.UnknownVersion)]
    [InlineData("80010000", CoapFault.UnknownVersion)]
    [InlineData("c0010000", CoapFault.UnknownVersion)]
    [InlineData("49010000010203040506070809", CoapFault.ReservedTokenLength)]
    [InlineData("4f010000", CoapFault.ReservedTokenLength)]
    [InlineData("4401000001", CoapFault.TruncatedToken)]
    [InlineData("41000000aa", CoapFault.EmptyWithContent)]
    [InlineData("4000000000", CoapFault.EmptyWithContent)]
    [InlineData("40200000", CoapFault.ReservedCodeClass)]
    [InlineData("40c00000", CoapFault.ReservedCodeClass)]
    [InlineData("40e00000", CoapFault.ReservedCodeClass)]
    [InlineData("60010000", CoapFault.AcknowledgedRequest)]
    [InlineData("50000000", CoapFault.NonConfirmableEmpty)]
    [InlineData("70450000", CoapFault.ResetNotEmpty)]
    [InlineData("70010000", CoapFault.ResetNotEmpty)]
    [InlineData("40010000f1", CoapFault.ReservedOptionDelta)]
    [InlineData("40010000bf", CoapFault.ReservedOptionLength)]
    [InlineData("40010000b3aabb", CoapFault.TruncatedOption)]
    [InlineData("40010000d0", CoapFault.TruncatedOption)]
    [InlineData("40010000e000", CoapFault.TruncatedOption)]
    [InlineData("40010000bd", CoapFault.TruncatedOption)]
    [InlineData("40010000e0ffff", CoapFault.OptionNumberTooLarge)]
    [InlineData("40010000e0fef210", CoapFault.OptionNumberTooLarge)]
    [InlineData("40010000ff", CoapFault.EmptyPayload)]
    [InlineData("40010000b161ff", CoapFault.EmptyPayload)]
    public void A_malformed_datagram_is_no_message(string hex, CoapFault fault)
    {
        Assert.Equal(fault, FaultOf(Convert.FromHexString(hex)));
        Assert.NotEmpty(fault.Text());
        Assert.NotEmpty(fault.Section());
    }

    [Fact]
    public void More_than_64_options_are_refused()
    {
        byte[] most = [0x40, 1, 0, 0, .. Enumerable.Repeat((byte)0x00, CoapMessage.MaxOptions)];
        Assert.Equal(CoapFault.None, FaultOf(most));
        Assert.Equal(CoapFault.TooManyOptions, FaultOf([.. most, 0]));
    }

    [Fact]
    public void Every_fault_has_a_text()
    {
        foreach (CoapFault fault in Enum.GetValues<CoapFault>()) Assert.NotEmpty(fault.Text());
    }

    [Theory]
    [InlineData(0u, 0)]
    [InlineData(1u, 1)]
    [InlineData(255u, 1)]
    [InlineData(256u, 2)]
    [InlineData(0x10000u, 3)]
    [InlineData(uint.MaxValue, 4)]
    public void Numbers_have_as_few_bytes_as_they_need(uint number, int length)
    {
        var options = new CoapOptionSet { MaxAge = number };
        Assert.Equal(length, Assert.Single(options).Value.Length);
        Assert.Equal(number, options.MaxAge);
    }

    [Fact]
    public void What_is_set_to_null_is_not_there()
    {
        var options = new CoapOptionSet { MaxAge = 1, ContentFormat = 2, ETag = new byte[] { 3 }, Echo = new byte[] { 4 } };
        (options.MaxAge, options.ContentFormat, options.ETag, options.Echo) = (null, null, null, null);
        Assert.Empty(options);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("a", 1)]
    [InlineData("/a/b", 2)]
    [InlineData("a/", 2)]
    [InlineData("a%2Fb", 1)]
    [InlineData("%E9%94%AE%E7%9B%98", 1)]
    public void A_path_is_its_segments(string path, int segments)
    {
        var options = new CoapOptionSet { Path = path };
        Assert.Equal(segments, options.Count);
        Assert.Equal(path.TrimStart('/'), options.Path);
    }

    [Fact]
    public void Codes_are_written_as_the_RFC_does()
    {
        Assert.Equal(["0.01", "2.05", "2.31", "4.04", "5.03"], new[] { CoapCode.Get, CoapCode.Content, CoapCode.Continue, CoapCode.NotFound, CoapCode.ServiceUnavailable }.Select(code => code.ToString()));
    }

    private static CoapMessage Read(string hex) => Read(Convert.FromHexString(hex));

    private static CoapMessage Read(byte[] datagram)
    {
        Assert.True(CoapMessage.TryParse(datagram, out CoapMessage? message, out CoapFault fault), fault.Text());
        return message;
    }

    private static CoapFault FaultOf(byte[] datagram)
    {
        Assert.Equal(CoapMessage.TryParse(datagram, out _, out CoapFault fault), fault == CoapFault.None);
        return fault;
    }
}

using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 sections 5.6 and 8.1: a text message is UTF-8 as a whole; fragments may cut a code point, and a violation does not wait for the end.</summary>
public sealed class TextMessageTests
{
    private const WebSocketRole Role = WebSocketRole.Server;

    // One code point of each length at both ends of its range, and on both sides of the surrogates.
    private static readonly byte[] Sample = Encoding.UTF8.GetBytes("\u007F\u0080\u07FF\u0800\uD7FF\uE000\uFFFF\U00010000\U0010FFFF");

    public static TheoryData<string> Malformed =>
    [
        "80", "BF", "C080", "C1BF", "E08080", "E09FBF", "EDA080", "EDBFBF", "EDA080EDB080", "F0808080", "F08FBFBF", "F4908080", "F5808080", "F888808080",
        "FC8480808080", "FE", "FF", "C2", "C241", "E282", "E28241", "F09F98", "F09F9841", "61C280E2", "CEBAE1BDB9CF83CEBCCEB5EDA080656469746564",
    ];

    [Fact]
    public void Section_5_6_fragments_may_cut_every_code_point_at_every_byte()
    {
        string expected = ReaderDriver.MessageLine(System.Net.WebSockets.WebSocketMessageType.Text, Sample);
        for (int first = 0; first <= Sample.Length; first++)
        {
            for (int second = first; second <= Sample.Length; second++)
            {
                byte[] bytes =
                [
                    .. Wire.Frame(Role, Wire.Text, Sample[..first]), .. Wire.Frame(Role, Wire.Continuation, Sample[first..second]),
                    .. Wire.Frame(Role, Wire.Fin, Sample[second..]),
                ];
                Assert.Equal([expected], ReaderDriver.Run(Wire.Server, bytes));
                Assert.Equal([expected], ReaderDriver.RunByteByByte(Wire.Server, bytes));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Section_8_1_malformed_text_is_refused_however_it_is_cut(string hex)
    {
        byte[] text = Convert.FromHexString(hex);
        for (int fragment = 0; fragment <= text.Length; fragment++)
        {
            byte[] bytes = [.. Wire.Frame(Role, Wire.Text, text[..fragment]), .. Wire.Frame(Role, Wire.Fin, text[fragment..])];
            for (int cut = 0; cut <= bytes.Length; cut++) Assert.Equal(["fault InvalidUtf8"], ReaderDriver.Run(Wire.Server, bytes, cut));
            Assert.Equal(["fault InvalidUtf8"], ReaderDriver.RunByteByByte(Wire.Server, bytes));
        }
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Section_5_6_the_same_bytes_are_a_legal_binary_message(string hex)
    {
        byte[] data = Convert.FromHexString(hex);
        string expected = ReaderDriver.MessageLine(System.Net.WebSockets.WebSocketMessageType.Binary, data);
        Assert.Equal([expected], ReaderDriver.Run(Wire.Server, Wire.Frame(Role, Wire.Fin | Wire.Binary, data)));
    }

    [Theory]
    [InlineData("C0", 1)]
    [InlineData("F8", 1)]
    [InlineData("E080", 2)]
    [InlineData("EDA0", 2)]
    [InlineData("F080", 2)]
    [InlineData("F490", 2)]
    [InlineData("E28241", 3)]
    public void Section_8_1_an_invalid_prefix_is_refused_when_it_arrives_not_at_the_end_of_the_message(string hex, int at)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes("κόσμε"), .. Convert.FromHexString(hex)];
        byte[] frame = Wire.Frame(Role, Wire.Text, [.. text, .. new byte[1000]]);
        int header = frame.Length - 1000 - text.Length;
        int bad = header + Encoding.UTF8.GetByteCount("κόσμε") + at;
        var driver = new ReaderDriver(Wire.Server);
        driver.Feed(frame.AsSpan(0, bad - 1));
        Assert.Equal(ProtocolFault.None, driver.Fault);
        driver.Feed(frame.AsSpan(bad - 1, 1));
        Assert.Equal(ProtocolFault.InvalidUtf8, driver.Fault);
    }

    [Fact]
    public void A_short_message_that_is_refused_has_begun_and_not_ended()
    {
        var driver = new ReaderDriver(Wire.Server);
        driver.Feed(Wire.Frame(Role, Wire.Fin | Wire.Text, [0xFF]));
        Assert.Equal(ProtocolFault.InvalidUtf8, driver.Fault);
        Assert.True(driver.IsInMessage);
    }

    [Fact]
    public void Section_8_1_a_message_may_not_end_inside_a_code_point_and_the_next_does_not_complete_it()
    {
        byte[] euro = [0xE2, 0x82, 0xAC];
        for (int cut = 1; cut < euro.Length; cut++)
        {
            byte[] bytes = [.. Wire.Frame(Role, Wire.Fin | Wire.Text, euro[..cut]), .. Wire.Frame(Role, Wire.Fin | Wire.Text, euro[cut..])];
            Assert.Equal(["fault InvalidUtf8"], ReaderDriver.Run(Wire.Server, bytes));
            Assert.Equal(["fault InvalidUtf8"], ReaderDriver.RunByteByByte(Wire.Server, bytes));
        }
    }

    [Fact]
    public void Section_5_4_a_binary_message_between_two_texts_is_not_validated()
    {
        byte[] bytes =
        [
            .. Wire.Frame(Role, Wire.Fin | Wire.Text, "a"), .. Wire.Frame(Role, Wire.Fin | Wire.Binary, [0xFF]),
            .. Wire.Frame(Role, Wire.Fin | Wire.Text, "ö"),
        ];
        Assert.Equal(3, ReaderDriver.RunByteByByte(Wire.Server, bytes).Count);
    }
}

using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 section 4.2.2: the exact answer of a server, and what it must not say.</summary>
public sealed class ServerHandshakeTests
{
    [Fact]
    public void Section_1_3_the_example_is_answered_as_printed_there()
    {
        Assert.Equal(ExampleAnswer, Answer(Example, "chat"));
    }

    [Fact]
    public void Without_a_subprotocol_the_answer_names_none()
    {
        Assert.Equal(ExampleAnswer.Replace("Sec-WebSocket-Protocol: chat\r\n", "", StringComparison.Ordinal), Answer(Example, null));
    }

    [Fact]
    public void Further_fields_come_last_in_their_order()
    {
        string answer = Answer(Request(), null, ("Set-Cookie", "a=1; Path=/"), ("X-Empty", ""), ("X-Latin", "\u00E9"));
        Assert.EndsWith("xOo=\r\nSet-Cookie: a=1; Path=/\r\nX-Empty: \r\nX-Latin: \u00E9\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other")]
    [InlineData("Chat")]
    [InlineData("")]
    [InlineData("chat, superchat")]
    public void Section_4_1_a_subprotocol_that_was_not_offered_is_not_answered(string subprotocol)
    {
        Assert.Throws<ArgumentException>(() => Answer(Example, subprotocol));
        Assert.Throws<ArgumentException>(() => Answer(Request(), subprotocol));
    }

    [Theory]
    [InlineData("X", "a\r\nSet-Cookie: b")]
    [InlineData("X", "a\nb")]
    [InlineData("X", "a\rb")]
    [InlineData("X", "a\u0000b")]
    [InlineData("X", "a\u007Fb")]
    [InlineData("X\r\nY", "a")]
    [InlineData("X: y\r\nZ", "a")]
    [InlineData("X Y", "a")]
    [InlineData("X:", "a")]
    [InlineData("", "a")]
    [InlineData("\u00C4", "a")]
    // Neither may what is not Latin-1 turn into something else on its way.
    [InlineData("X", "\u4E2D")]
    [InlineData("X", "\uFF0D")]
    [InlineData("X", "\u010A")]
    [InlineData("X", "\U0001F600")]
    [InlineData("\uFF38", "a")]
    public void What_would_break_out_of_its_line_is_refused(string name, string value) =>
        Assert.Throws<ArgumentException>(() => Answer(Request(), null, (name, value)));

    [Fact]
    public void A_destination_of_exactly_the_length_suffices_and_one_byte_less_does_not()
    {
        UpgradeRequest request = Accepted(Example);
        byte[] exact = new byte[ExampleAnswer.Length];
        Assert.Equal(exact.Length, ServerHandshake.WriteAccepted(exact, in request, "chat"));
        Assert.Equal(ExampleAnswer, Text(exact));
        for (int length = 0; length < exact.Length; length++)
        {
            Assert.Throws<ArgumentException>(() =>
            {
                UpgradeRequest again = Accepted(Example);
                ServerHandshake.WriteAccepted(new byte[length], in again, "chat");
            });
        }
    }

    private static string Answer(string request, string? subprotocol, params (string Name, string Value)[] fields)
    {
        UpgradeRequest accepted = Accepted(request);
        byte[] buffer = new byte[1000];
        KeyValuePair<string, string>[] pairs = [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))];
        int written = ServerHandshake.WriteAccepted(buffer, in accepted, subprotocol, extensions: null, pairs);
        return Text(buffer.AsSpan(0, written));
    }
}

using Tandem.Coap.Exchanges;
using Tandem.Coap.Tests.Support;
using static Tandem.Coap.Tests.Support.Exchange;

namespace Tandem.Coap.Tests.Exchanges;

/// <summary>RFC 7252 section 5: requests and responses.</summary>
public sealed class Section5_RequestTests
{
    [Fact]
    public void Section5_2_1_a_response_that_is_ready_goes_with_the_acknowledgement()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        end.Respond(end.TakeRequest(), Content());
        Assert.Equal("Acknowledgement 2.05 7 11", Line(Assert.Single(end.Sent())));
        Assert.True(end.Table.NextDue > end.Now + TimeSpan.FromSeconds(100), "Something waits.");
    }

    [Fact]
    public void Section5_2_2_a_response_that_takes_longer_follows_as_a_confirmable_message()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        IncomingRequest request = end.TakeRequest();
        end.Advance(1);
        Assert.Equal("Acknowledgement 0.00 7", Line(Assert.Single(end.Sent())));
        end.Advance(100);
        end.Respond(request, Content());
        CoapMessage response = Assert.Single(end.Sent());
        Assert.Equal((CoapType.Confirmable, CoapCode.Content, "11"), (response.Type, response.Code, response.Token.ToString()));
        end.Advance(3);
        Assert.Equal(response.ToArray(), Assert.Single(end.Sent()).ToArray());
        end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, response.MessageId));
        end.Advance(100);
        Assert.Empty(end.Sent());
        // A late repetition of the request is acknowledged again, and no more.
        end.Receive(Request(7));
        Assert.Equal("Acknowledgement 0.00 7", Line(Assert.Single(end.Sent())));
    }

    [Fact]
    public void Section5_2_3_a_non_confirmable_request_has_a_non_confirmable_response()
    {
        var end = new Exchange();
        end.Receive(Request(7, CoapType.NonConfirmable));
        IncomingRequest request = end.TakeRequest();
        end.Advance(5);
        Assert.Empty(end.Sent());
        end.Respond(request, Content());
        Assert.StartsWith("NonConfirmable 2.05", Line(Assert.Single(end.Sent())), StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_is_answered_once()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        IncomingRequest request = end.TakeRequest();
        end.Respond(request, Content());
        end.Respond(request, Content("other"));
        Assert.Single(end.Sent());
    }

    // The states of a request that was sent, against what may come for it: what is told, what is sent, where it is then.
    public static TheoryData<string, string, string, string, string> States => new()
    {
        { "transmitting", "ack", "Acknowledged", "", "AwaitingResponse" },
        { "transmitting", "piggybacked", "Response", "", "Done" },
        { "transmitting", "piggybacked, other token", "", "", "Transmitting" },
        { "transmitting", "piggybacked, critical option", "Unusable", "", "Done" },
        { "transmitting", "con", "Response", "Acknowledgement", "Done" },
        { "transmitting", "non", "Response", "", "Done" },
        { "transmitting", "con, other token", "", "Reset", "Transmitting" },
        { "transmitting", "con, critical option", "Unusable", "Reset", "Done" },
        { "transmitting", "rst", "Reset", "", "Done" },
        { "transmitting", "silence", "TimedOut", "Confirmable Confirmable Confirmable Confirmable", "Done" },
        { "acknowledged", "ack", "", "", "AwaitingResponse" },
        { "acknowledged", "piggybacked", "", "", "AwaitingResponse" },
        { "acknowledged", "con", "Response", "Acknowledgement", "Done" },
        { "acknowledged", "non", "Response", "", "Done" },
        { "acknowledged", "con, other token", "", "Reset", "AwaitingResponse" },
        { "acknowledged", "rst", "", "", "AwaitingResponse" },
        { "acknowledged", "silence", "TimedOut", "", "Done" },
        { "answered", "ack", "", "", "Done" },
        { "answered", "piggybacked", "", "", "Done" },
        { "answered", "con", "", "Reset", "Done" },
        { "answered", "non", "", "Reset", "Done" },
        { "answered", "rst", "", "", "Done" },
        { "answered", "silence", "", "", "Done" },
        { "cancelled", "piggybacked", "", "", "Done" },
        { "cancelled", "con", "", "Reset", "Done" },
        { "cancelled", "silence", "", "", "Done" },
    };

    [Theory]
    [MemberData(nameof(States))]
    public void What_comes_for_a_request(string state, string what, string told, string sent, string then)
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        if (state == "acknowledged") Come(end, sending, "ack");
        if (state == "answered") Come(end, sending, "piggybacked");
        if (state == "cancelled") end.Table.Cancel(sending, end.Now);
        end.Sent();
        end.Events();
        Come(end, sending, what);
        Assert.Equal(told, string.Join(' ', end.Events().Select(e => e.Kind)));
        Assert.Equal(sent, string.Join(' ', end.Sent().Select(message => message.Type)));
        Assert.Equal(then, sending.State.ToString());
    }

    [Fact]
    public void A_separate_response_that_comes_twice_is_acknowledged_twice_and_told_once()
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        Come(end, sending, "ack");
        end.Events();
        end.Sent();
        Come(end, sending, "con");
        Come(end, sending, "con");
        Assert.Equal(ExchangeEventKind.Response, Assert.Single(end.Events()).Kind);
        Assert.All(end.Sent(), message => Assert.Equal("Acknowledgement 0.00 77", Line(message)));
        Assert.Equal(1, end.Table.Statistics.Duplicates);
    }

    [Theory]
    [InlineData("4101000711" + "91aa", "Acknowledgement 4.02 7 11")] // number 9
    [InlineData("4101000711" + "5100", "Acknowledgement 4.02 7 11")] // If-None-Match with a value (5.4.3)
    [InlineData("5101000711" + "91aa", null)]
    public void Section5_4_1_an_unknown_critical_option_rejects_a_request(string hex, string? answer)
    {
        var end = new Exchange();
        end.Receive(hex);
        Assert.Empty(end.Events());
        Assert.Equal(answer is null ? [] : new[] { answer }, end.Sent().Select(Line));
    }

    [Fact]
    public void Section5_4_1_an_unknown_elective_option_is_ignored()
    {
        var end = new Exchange();
        end.Receive("4101000711" + "a1aa" + "1178"); // number 10, then Uri-Path "x"
        IncomingRequest request = end.TakeRequest();
        Assert.Equal("x", request.Message.Options.Path);
        Assert.Single(request.Message.Options);
    }

    [Theory]
    [InlineData("41aa7178", 2)] // ETag of one byte: as it should be
    [InlineData("490102030405060708097178", 1)] // ETag of nine bytes: elective, ignored
    public void Section5_4_3_a_value_of_a_wrong_length_is_like_an_unknown_option(string options, int left)
    {
        var end = new Exchange();
        end.Receive("4101000711" + options);
        Assert.Equal(left, end.TakeRequest().Message.Options.Count);
    }

    [Theory]
    [InlineData("b2c328", true)] // not UTF-8
    [InlineData("b2c3a4", false)]
    public void Section5_4_3_a_path_must_be_text(string options, bool isRejected)
    {
        var end = new Exchange();
        end.Receive("4101000711" + options);
        Assert.Equal(isRejected, end.Events().Length == 0);
    }

    [Theory]
    [InlineData("3161" + "0162", "4.02")] // Uri-Host twice: critical
    [InlineData("6100" + "0101" + "5178", null)] // Observe twice: the second is ignored
    public void Section5_4_5_an_option_too_many_is_like_an_unknown_option(string options, string? code)
    {
        var end = new Exchange();
        end.Receive("4101000711" + options);
        if (code is not null) Assert.Equal(code, Assert.Single(end.Sent()).Code.ToString());
        else Assert.Equal(0u, end.TakeRequest().Message.Options.Observe);
    }

    [Fact]
    public void An_end_that_takes_no_requests_resets_confirmable_ones()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), TakesRequests = false });
        end.Receive(Request(7));
        end.Receive(Request(8, CoapType.NonConfirmable));
        Assert.Equal("Reset 0.00 7", Line(Assert.Single(end.Sent())));
    }

    [Fact]
    public void A_peer_with_too_many_requests_under_way_is_told_to_wait()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false, MaxInProgressPerPeer = 2 });
        for (ushort id = 0; id < 3; id++) end.Receive(Request(id));
        Assert.Equal(2, end.Events().Length);
        CoapMessage refused = Assert.Single(end.Sent());
        Assert.Equal(("Acknowledgement 5.03 2 11", 1u), (Line(refused), refused.Options.MaxAge));
    }

    private static void Come(Exchange end, Sending sending, string what)
    {
        CoapToken token = what.EndsWith("other token", StringComparison.Ordinal) ? new CoapToken([0xEE]) : sending.Message.Token;
        CoapType type = what.Split(',')[0] switch { "con" => CoapType.Confirmable, "non" => CoapType.NonConfirmable, _ => CoapType.Acknowledgement };
        if (what == "silence") end.Advance(100);
        else if (what == "ack") end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, sending.MessageId));
        else if (what == "rst") end.Receive(new CoapMessage(CoapType.Reset, CoapCode.Empty, sending.MessageId));
        else
        {
            var message = new CoapMessage(type, CoapCode.Content, type == CoapType.Acknowledgement ? sending.MessageId : (ushort)77, token);
            if (what.EndsWith("critical option", StringComparison.Ordinal)) message.Options.Add((CoapOptionNumber)9, default);
            end.Receive(message);
        }
    }
}

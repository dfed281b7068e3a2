using Tandem.Coap.Exchanges;
using Tandem.Coap.Tests.Support;
using static Tandem.Coap.Tests.Support.Exchange;

namespace Tandem.Coap.Tests.Exchanges;

/// <summary>RFC 7252 section 4: the message layer.</summary>
public sealed class Section4_MessageTests
{
    [Fact]
    public void Section4_2_a_confirmable_message_is_repeated_four_times_with_twice_the_wait_and_then_given_up()
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        byte[] first = Assert.Single(end.Sent()).ToArray();
        TimeSpan wait = sending.Timeout;
        Assert.InRange(wait, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3));
        for (int repeated = 1; repeated <= 4; repeated++)
        {
            end.Advance(wait - TimeSpan.FromTicks(1));
            Assert.Empty(end.Sent());
            end.Advance(TimeSpan.FromTicks(1));
            Assert.Equal(first, Assert.Single(end.Sent()).ToArray());
            wait *= 2;
        }

        end.Advance(wait - TimeSpan.FromTicks(1));
        Assert.Empty(end.Events());
        end.Advance(TimeSpan.FromTicks(1));
        Assert.Empty(end.Sent());
        Assert.Equal((ExchangeEventKind.TimedOut, sending), (Assert.Single(end.Events()) is var e ? (e.Kind, e.Sending) : default));
        Assert.Equal(0, end.Table.Deadlines);
    }

    [Fact]
    public void Section4_2_the_first_wait_is_random_between_ACK_TIMEOUT_and_ACK_RANDOM_FACTOR_times_it()
    {
        double[] waits = [.. Enumerable.Range(0, 500).Select(seed => new Exchange(seed: seed).Send(Request(0)).Timeout.TotalSeconds)];
        Assert.InRange(waits.Min(), 2, 2.05);
        Assert.InRange(waits.Max(), 2.95, 3);
        Assert.InRange(waits.Average(), 2.4, 2.6);
    }

    [Fact]
    public void Section4_2_an_acknowledgement_ends_the_repetitions()
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        end.Sent();
        end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, sending.MessageId));
        Assert.Equal(ExchangeEventKind.Acknowledged, Assert.Single(end.Events()).Kind);
        end.Advance(30);
        Assert.Empty(end.Sent());
    }

    [Fact]
    public void Section4_2_a_reset_ends_the_repetitions_and_the_request()
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        end.Sent();
        end.Receive(new CoapMessage(CoapType.Reset, CoapCode.Empty, sending.MessageId));
        Assert.Equal(ExchangeEventKind.Reset, Assert.Single(end.Events()).Kind);
        end.Advance(300);
        Assert.Empty(end.Sent());
        Assert.Empty(end.Events());
    }

    [Theory]
    [InlineData("60000000")] // an acknowledgement
    [InlineData("70000000")] // a reset
    [InlineData("60450000")] // a response in one
    public void Section4_2_what_acknowledges_or_resets_nothing_is_ignored(string hex)
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        end.Sent();
        Assert.NotEqual(0, sending.MessageId);
        end.Receive(hex);
        Assert.Empty(end.Sent());
        Assert.Empty(end.Events());
        Assert.Equal(SendingState.Transmitting, sending.State);
    }

    [Fact]
    public void Section4_2_an_acknowledgement_from_another_address_is_ignored()
    {
        var end = new Exchange();
        Sending sending = end.Send(Request(0));
        end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, sending.MessageId), Other with { Port = 40001 });
        Assert.Equal(SendingState.Transmitting, sending.State);
        Assert.Empty(end.Events());
    }

    [Theory]
    [InlineData("40010007f1")] // malformed
    [InlineData("49010007")]
    [InlineData("40200007")] // a reserved class
    [InlineData("4000000700")]
    [InlineData("40450007")] // a response without a request
    [InlineData("40000007")] // section 4.3: a ping
    public void Section4_2_a_confirmable_message_that_cannot_be_processed_is_reset(string hex)
    {
        var end = new Exchange();
        end.Receive(hex);
        Assert.Equal("Reset 0.00 7", Line(Assert.Single(end.Sent())));
        Assert.Empty(end.Events());
    }

    [Theory]
    [InlineData("50010007f1")]
    [InlineData("60010007")] // an acknowledgement with a request
    [InlineData("70450007")] // a reset that is not empty
    [InlineData("50000007")]
    [InlineData("00010007")] // another version
    [InlineData("80010007")]
    [InlineData("400100")]
    [InlineData("")]
    public void Section4_3_anything_else_that_cannot_be_processed_is_ignored(string hex)
    {
        var end = new Exchange();
        end.Receive(hex);
        Assert.Empty(end.Sent());
        Assert.Empty(end.Events());
        Assert.Equal(1, end.Table.Statistics.Malformed);
    }

    [Fact]
    public void Section4_4_message_IDs_are_not_used_twice_within_EXCHANGE_LIFETIME()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), RateLimits = new CoapRateLimits { Burst = 100_000 } });
        var used = new HashSet<ushort>();
        int sent = 0;
        // As fast as one can: each is acknowledged at once.
        while (true)
        {
            Sending sending = end.Send(Request(0));
            if (end.Sent().Length == 0) break;
            Assert.True(used.Add(sending.MessageId), "A message ID was used twice.");
            sent++;
            end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Content, sending.MessageId, sending.Message.Token));
            end.Events();
        }

        Assert.InRange(sent, 64 * 1024 - 1024, 64 * 1024);
        end.Advance(end.Settings.Transmission.ExchangeLifetime - TimeSpan.FromSeconds(1));
        Assert.Empty(end.Sent());
        end.Advance(2);
        Assert.Single(end.Sent());
    }

    [Fact]
    public void Section4_5_a_confirmable_duplicate_gets_the_same_answer_and_is_not_carried_out()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        end.Respond(end.TakeRequest(), Content());
        byte[] answer = Assert.Single(end.Sent()).ToArray();
        for (int i = 0; i < 3; i++)
        {
            end.Advance(60);
            end.Receive(Request(7));
            Assert.Equal(answer, Assert.Single(end.Sent()).ToArray());
            Assert.Empty(end.Events());
        }

        // After EXCHANGE_LIFETIME the message ID may be used for something else.
        end.Advance(end.Settings.Transmission.ExchangeLifetime - TimeSpan.FromSeconds(180));
        end.Receive(Request(7));
        end.TakeRequest();
    }

    [Fact]
    public void Section4_5_a_duplicate_of_a_request_without_a_response_is_acknowledged()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        IncomingRequest request = end.TakeRequest();
        end.Receive(Request(7));
        Assert.Equal("Acknowledgement 0.00 7", Line(Assert.Single(end.Sent())));
        end.Receive(Request(7));
        Assert.Equal("Acknowledgement 0.00 7", Line(Assert.Single(end.Sent())));
        end.Respond(request, Content());
        Assert.StartsWith("Confirmable 2.05", Line(Assert.Single(end.Sent())), StringComparison.Ordinal);
    }

    [Fact]
    public void Section4_5_a_non_confirmable_duplicate_is_ignored_for_NON_LIFETIME()
    {
        var end = new Exchange();
        end.Receive(Request(7, CoapType.NonConfirmable));
        end.Respond(end.TakeRequest(), Content());
        end.Sent();
        end.Advance(144);
        end.Receive(Request(7, CoapType.NonConfirmable));
        Assert.Empty(end.Sent());
        Assert.Empty(end.Events());
        end.Advance(2);
        end.Receive(Request(7, CoapType.NonConfirmable));
        end.TakeRequest();
    }

    [Fact]
    public void Section4_5_the_same_message_ID_of_another_endpoint_is_another_message()
    {
        var end = new Exchange();
        end.Receive(Request(7));
        end.TakeRequest();
        end.Receive(Request(7), Other with { Port = 40001 });
        end.TakeRequest();
    }

    [Fact]
    public void Section4_5_a_peer_that_sends_much_forgets_its_own_oldest_only()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false, MaxRememberedPerPeer = 16 });
        end.Receive(Request(7), Other with { Port = 1 });
        end.TakeRequest();
        for (ushort id = 0; id < 100; id++)
        {
            end.Receive(Request(id));
            end.Respond(end.TakeRequest(), Content());
        }

        Assert.Equal(17, end.Table.Remembered);
        end.Receive(Request(84));
        Assert.Empty(end.Events());
        end.Receive(Request(83));
        end.TakeRequest();
        end.Receive(Request(7), Other with { Port = 1 });
        Assert.Empty(end.Events());
    }

    [Fact]
    public void Section4_5_stored_answers_have_a_bound_in_bytes_and_nothing_is_left_of_them_in_the_end()
    {
        const int most = 64 * 1024;
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), VerifiesAddresses = false, MaxRememberedBytes = most });
        for (ushort id = 0; id < 500; id++)
        {
            end.Receive(Request(id), Other with { Port = (ushort)(id % 7) });
            end.Respond(end.TakeRequest(), Content(new string('x', 1000)));
            Assert.InRange(end.Table.RememberedBytes, 1, most);
        }

        end.Advance(700);
        Assert.Equal((0, 0L, 0, 0), (end.Table.Remembered, end.Table.RememberedBytes, end.Table.Deadlines, end.Table.Statistics.Peers));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Section4_7_NSTART_messages_are_outstanding_and_the_others_follow_in_order(int nStart)
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions { NStart = nStart } });
        Sending[] sendings = [.. Enumerable.Range(0, 10).Select(i => end.Send(Request(0, token: (byte)i)))];
        var order = new List<string>();
        for (int i = 0; i < sendings.Length; i++)
        {
            order.AddRange(end.Sent().Select(message => message.Token.ToString()));
            Assert.Equal(Math.Min(10, i + nStart), order.Count);
            end.Receive(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, sendings[i].MessageId));
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"0{i}"), order);
    }

    [Fact]
    public void Section4_7_a_message_that_is_given_up_makes_room_for_the_next()
    {
        var end = new Exchange();
        end.Send(Request(0, token: 1));
        end.Send(Request(0, token: 2));
        end.Sent();
        end.Advance(93);
        Assert.Contains(end.Sent(), message => message.Token == new CoapToken([2]));
    }

    [Fact]
    public void Section4_7_the_queue_to_a_peer_has_a_bound()
    {
        var end = new Exchange(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), MaxQueuedPerPeer = 3 });
        for (int i = 0; i < 4; i++) Assert.NotNull(end.Table.Send(Other, Request(0, token: (byte)i), SendingKind.Request, null, end.Now));
        Assert.Null(end.Table.Send(Other, Request(0, token: 9), SendingKind.Request, null, end.Now));
    }

    [Fact]
    public void Section4_8_2_the_times_that_follow_from_the_parameters()
    {
        var times = new CoapTransmissionOptions();
        Assert.Equal(
            [45, 93, 247, 145],
            new[] { times.MaxTransmitSpan, times.MaxTransmitWait, times.ExchangeLifetime, times.NonLifetime }.Select(time => time.TotalSeconds));
    }
}

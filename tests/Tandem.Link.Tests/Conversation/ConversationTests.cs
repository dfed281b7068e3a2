using Tandem.Link.Conversation;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Tests.Support;

namespace Tandem.Link.Tests.Conversation;

/// <summary>docs/link-protocol.md: HELLO, PING, chat, trust, and how a link ends.</summary>
public class ConversationTests
{
    [Fact]
    public void Both_say_hello_and_then_are_quiet()
    {
        Ends ends = new Ends().Settle();
        Assert.Contains("hello computer test", ends.AtPhone.Log);
        Assert.Contains("hello phone test", ends.AtComputer.Log);
        Assert.Equal((0, 0), (ends.Send(0), ends.Send(1)));
    }

    [Fact]
    public void Chat_comes_once_in_order_and_is_seen()
    {
        Ends ends = new Ends().Settle();
        Assert.Equal(1, ends.Phone.Say("one", 1000));
        Assert.Equal(2, ends.Phone.Say("two \uD83D", 1001, isClipboard: true));
        ends.Settle();
        Assert.Equal([(1, "one"), (2, "two \uFFFD")], ends.AtComputer.Chats);
        Assert.Contains("clipboard two \uFFFD", ends.AtComputer.Log);
        Assert.Equal(["seen 1", "seen 2"], ends.AtPhone.Log.Where(entry => entry.StartsWith("seen", StringComparison.Ordinal)));
        Assert.Equal(0, ends.Phone.UnseenChats);
    }

    [Fact]
    public void Chat_that_was_lost_or_whose_answer_was_lost_comes_once_nevertheless()
    {
        var random = new Random(3);
        for (int round = 0; round < 60; round++)
        {
            Ends ends = new Ends().Settle();
            for (int id = 1; id <= 20; id++)
            {
                ends.Phone.Say($"message {id}", id);
                ends.Send(0);
                ends.Deliver(1, isLost: () => random.Next(3) == 0);
                ends.Send(1, random.Next(3));
                ends.Deliver(0, isLost: () => random.Next(3) == 0);
                if (random.Next(8) == 0) ends.Restart(random.Next(2));
            }

            ends.Restart(0);
            ends.Settle();
            Assert.Equal(0, ends.Phone.UnseenChats);
            Assert.Equal(ends.AtComputer.Chats.Select(chat => chat.Id).Order().Distinct(), ends.AtComputer.Chats.Select(chat => chat.Id));
            Assert.Equal("message 20", ends.AtComputer.Chats[^1].Text);
        }
    }

    [Fact]
    public void Chat_waits_for_who_is_away_but_not_without_bound()
    {
        var ends = new Ends();
        for (int id = 1; id <= 256; id++) Assert.Equal(id, ends.Phone.Say("x", 0));
        Assert.Null(ends.Phone.Say("x", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ends.Computer.Say(new string('x', 49_153), 0));
        ends.Settle();
        Assert.Equal(257, ends.Phone.Say("x", 0));
    }

    [Fact]
    public void A_hole_is_told_and_what_was_in_it_comes_again()
    {
        Ends ends = new Ends().Settle();
        ends.Phone.Say("lost", 0);
        ends.Send(0);
        ends.MailTo(1).Clear();
        ends.Phone.SetText("typed");
        ends.Settle();
        Assert.Equal([(1, "lost")], ends.AtComputer.Chats);
        Assert.Equal("typed", ends.AtComputer.Text);
    }

    [Fact]
    public void Who_does_not_answer_for_10_seconds_is_asleep_and_what_is_sent_waits()
    {
        Ends ends = new Ends().Settle();
        long heard = ends.Now;
        Assert.Equal(heard + 20_000, ends.Phone.Deadline);
        ends.Phone.Tick(ends.Now = heard + 19_999);
        Assert.Equal(0, ends.Send(0));
        ends.Phone.Tick(ends.Now = heard + 20_000);
        Assert.Equal(1, ends.Send(0));
        Assert.Equal(ends.Now + 10_000, ends.Phone.Deadline);
        ends.Phone.Tick(ends.Now += 9_999);
        Assert.False(ends.Phone.IsAsleep);
        ends.Phone.Tick(ends.Now += 1);
        Assert.True(ends.Phone.IsAsleep);
        Assert.Equal(long.MaxValue, ends.Phone.Deadline);
        ends.Phone.Say("for later", 0);
        ends.Settle();
        Assert.Equal(["asleep", "awake"], ends.AtPhone.Log.Where(entry => entry is "asleep" or "awake"));
        Assert.Equal("for later", ends.AtComputer.Chats.Single().Text);
        Assert.False(ends.Phone.IsAsleep);
    }

    [Fact]
    public void Who_answers_is_not_asleep()
    {
        Ends ends = new Ends().Settle();
        for (int round = 0; round < 5; round++)
        {
            ends.Phone.Tick(ends.Now += 20_000);
            ends.Settle();
            ends.Phone.Tick(ends.Now + 10_000);
            Assert.DoesNotContain("asleep", ends.AtPhone.Log);
        }
    }

    [Fact]
    public void The_end_is_the_last_thing_that_is_said()
    {
        Ends ends = new Ends().Settle();
        ends.Phone.Say("never said", 0);
        ends.Phone.End(EndCode.Unlinked, "bye");
        Assert.Equal(1, ends.Send(0));
        ends.Deliver(1);
        Assert.Equal(("ended Unlinked bye", "ended Unlinked bye"), (ends.AtPhone.Log[^1], ends.AtComputer.Log[^1]));
        Assert.True(ends.Computer.IsOver);
        ends.Computer.Say("nobody hears", 0);
        Assert.Equal((0, 0), (ends.Send(0), ends.Send(1)));
    }

    [Theory]
    [InlineData("01", "a nonce has no place here")]
    [InlineData("03", "nor has a confirmation")]
    [InlineData("04", "an end without a code")]
    [InlineData("10000001" + "00", "a composition outside of the text")]
    [InlineData("4001" + "04", "a key that ends early")]
    public void A_message_that_breaks_a_rule_ends_the_link_with_the_rule(string hex, string why)
    {
        Ends ends = new Ends().Settle();
        byte[] message = hex == "01" ? [.. Convert.FromHexString(hex), .. new byte[32]] : Convert.FromHexString(hex);
        ends.Computer.Receive(message, ends.Now);
        Assert.True(ends.Computer.IsOver, why);
        ends.Send(1);
        ends.Deliver(0);
        Assert.StartsWith("ended ProtocolError ", ends.AtPhone.Log[^1]);
        Assert.NotEqual("ended ProtocolError no rule is broken", ends.AtPhone.Log[^1]);
    }

    [Fact]
    public void A_message_of_a_later_version_is_skipped()
    {
        Ends ends = new Ends().Settle();
        ends.Computer.Receive([0x7F, 1], ends.Now);
        Assert.False(ends.Computer.IsOver);
    }

    [Fact]
    public void What_did_not_open_ends_nothing()
    {
        Ends ends = new Ends().Settle();
        Assert.Equal(Tandem.Link.Envelopes.EnvelopeOutcome.NotOpened, ends[1].Receive(new byte[93], ends.Now));
        Assert.Equal((false, 1L), (ends.Computer.IsOver, ends[1].Channel.NotOpened));
    }

    [Fact]
    public void A_login_that_is_approved_is_told()
    {
        Ends ends = new Ends().Settle();
        ends.Phone.ApproveLogin();
        ends.Settle();
        Assert.Equal("login approved", ends.AtComputer.Log[^1]);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Both_owners_agree_and_the_ends_trust_each_other(bool atOnce, bool answerIsLost)
    {
        Ends ends = new Ends().Settle();
        ends.Phone.Trust();
        if (atOnce)
        {
            ends.Computer.Trust();
        }
        else
        {
            ends.Settle();
            Assert.Equal("trust asked", ends.AtComputer.Log[^1]);
            Assert.Empty(ends.AtComputer.Trusted);
            ends.Computer.Trust();
            if (answerIsLost)
            {
                ends.Send(1);
                ends.MailTo(0).Clear();
                ends.Computer.Say("something else", 0);
            }
        }

        ends.Settle();
        TrustedEnd atPhone = Assert.Single(ends.AtPhone.Trusted), atComputer = Assert.Single(ends.AtComputer.Trusted);
        Assert.Equal(atPhone.RoutingId.ToArray(), atComputer.RoutingId.ToArray());
        Assert.Equal(atPhone.Own.PublicKey.ToArray(), atComputer.OtherPublicKey.ToArray());
        ends.Phone.RevokeTrust();
        ends.Settle();
        Assert.Equal("trust revoked", ends.AtComputer.Log[^1]);
    }

    [Fact]
    public void A_key_that_is_no_point_is_a_broken_rule_and_so_is_agreement_that_nobody_asked_for()
    {
        Ends ends = new Ends().Settle();
        ends.Computer.Receive(new TrustMessage { PublicKey = new byte[65] }.ToArray(), ends.Now);
        Assert.Equal($"ended ProtocolError {LinkFault.InvalidPoint.Text()}", ends.AtComputer.Log[^1]);
        using Tandem.Link.Noise.LinkKeyPair key = Tandem.Link.Noise.LinkKeyPair.Create();
        ends.Phone.Receive(new TrustMessage { Flags = TrustFlags.Agreed, PublicKey = key.PublicKey.Span }.ToArray(), ends.Now);
        Assert.Equal($"ended ProtocolError {LinkFault.OutOfTurn.Text()}", ends.AtPhone.Log[^1]);
    }

    [Fact]
    public void State_that_was_cut_anywhere_is_no_state()
    {
        Ends ends = new Ends().Settle();
        ends.Phone.SetText("draft");
        ends.Phone.Say("unseen", 7);
        byte[] state = ends[0].Export();
        for (int length = 0; length < state.Length; length++)
        {
            Assert.False(LinkEnd.TryImport(state.AsSpan(0, length), new LinkConversationOptions(), new EndRecord(), 0, out _));
        }

        ends.Restart(0, state);
        ends.Settle();
        Assert.Equal([(1, "unseen")], ends.AtComputer.Chats);
        Assert.Equal("draft", ends.AtComputer.Text);
    }
}

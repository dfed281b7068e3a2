using Tandem.Link.Envelopes;
using Tandem.Link.Noise;
using Tandem.Link.Pairing;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;
using Tandem.Link.Tests.Support;

namespace Tandem.Link.Tests.Pairing;

/// <summary>docs/link-protocol.md: pairing, both ends against each other.</summary>
public class PairingTests
{
    [Fact]
    public void A_code_is_read_the_numbers_agree_and_the_ends_are_linked()
    {
        Pair pair = new Pair().Scan();
        Assert.Equal(["open " + pair.Phone.Inbox, "send " + pair.Phone.Ticket], pair.AtPhone.Log);
        pair.Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        Assert.Equal(("Ana's phone", "Android"), (pair.Computer.PhoneName, pair.Computer.PhonePlatform));
        Assert.Equal(("https://example.org", "Firefox", "192.0.2.1", ""), (pair.Phone.Origin, pair.Phone.Browser, pair.Phone.Address, pair.Phone.LoginId));
        Assert.Equal(3, pair.Phone.Choices.Distinct().Count());
        Assert.Contains(pair.Computer.Number, pair.Phone.Choices);
        Assert.All(pair.Phone.Choices, number => Assert.InRange(number, 0, 99));
        pair.Until(ComputerPairingState.Linked, PhonePairingState.Linked);
        Assert.Equal([pair.Computer.Channel!.OwnInbox], pair.AtComputer.Open);
        Assert.Equal([pair.Phone.Inbox], pair.AtPhone.Open);
        Assert.Equal(pair.Computer.Channel.OwnInbox, pair.Phone.Channel!.OtherInbox);
        byte[] envelope = pair.Phone.Channel.Seal(new PingMessage { Opaque = 5 }.ToArray(), pair.Now);
        Assert.Equal(EnvelopeOutcome.Opened, pair.Computer.Channel.Open(envelope, out ReadOnlySpan<byte> message, out _));
        Assert.Equal(new PingMessage { Opaque = 5 }.ToArray(), message.ToArray());
    }

    [Fact]
    public void The_right_number_is_in_every_place_and_the_others_are_all_over()
    {
        int[] places = new int[3];
        var others = new HashSet<int>();
        for (int round = 0; round < 300; round++)
        {
            int[] choices = LinkNumber.Choose(42);
            places[Array.IndexOf(choices, 42)]++;
            others.UnionWith(choices);
        }

        Assert.All(places, count => Assert.InRange(count, 50, 150));
        Assert.True(others.Count > 90);
    }

    [Theory]
    [InlineData(EndCode.WrongNumber)]
    [InlineData(EndCode.NoneOfThese)]
    [InlineData(EndCode.Refused)]
    public void What_its_owner_does_not_want_ends_at_both(EndCode code)
    {
        Pair pair = new Pair().Scan().Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        if (code == EndCode.Refused) pair.Phone.Refuse(pair.Now);
        else pair.Phone.Choose(code == EndCode.NoneOfThese ? null : pair.Phone.Choices.First(number => number != pair.Computer.Number), pair.Now);
        pair.Until(ComputerPairingState.Dead, PhonePairingState.Dead);
        Assert.Equal((code, code), (pair.Computer.EndedWith, pair.Phone.EndedWith));
        Assert.Empty(pair.AtComputer.Open);
        Assert.Empty(pair.AtPhone.Open);
        Assert.Null(pair.Computer.Channel);
        pair.Computer.ShowNewCode(pair.Now);
        Assert.Equal(ComputerPairingState.Showing, pair.Computer.State);
    }

    [Fact]
    public void Codes_change_every_30_seconds_and_each_can_be_claimed_for_60()
    {
        var pair = new Pair();
        pair.Computer.Start(pair.Now);
        string first = pair.Computer.Secret!.ToCode(), firstTicket = pair.AtComputer.Open.Single();
        pair.Computer.Tick(pair.Now + 29_999);
        Assert.Equal(first, pair.Computer.Secret.ToCode());
        Assert.Equal(pair.Now + 30_000, pair.Computer.Deadline);
        PhonePairing early = pair.NewPhone(new PairingDriver());
        Assert.Equal(firstTicket, early.Ticket);
        pair.Computer.Tick(pair.Now += 30_000);
        Assert.NotEqual(first, pair.Computer.Secret.ToCode());
        Assert.Equal(2, pair.AtComputer.Open.Count);
        Assert.Contains(firstTicket, pair.AtComputer.Open);
        pair.Computer.Tick(pair.Now += 30_000);
        Assert.Equal(2, pair.AtComputer.Open.Count);
        Assert.DoesNotContain(firstTicket, pair.AtComputer.Open);
    }

    [Fact]
    public void The_code_before_the_present_one_still_links()
    {
        var pair = new Pair();
        pair.Scan();
        pair.Computer.Tick(pair.Now += 30_000);
        pair.Until(ComputerPairingState.Linked, PhonePairingState.Linked);
    }

    [Fact]
    public void No_more_codes_when_one_is_claimed()
    {
        Pair pair = new Pair().Scan();
        pair.ToComputer();
        string? code = pair.Computer.Secret?.ToCode();
        pair.Computer.Tick(pair.Now + 45_000);
        Assert.Equal((ComputerPairingState.Claimed, code), (pair.Computer.State, pair.Computer.Secret?.ToCode()));
    }

    [Fact]
    public void An_unknown_ticket_is_told_and_the_inbox_is_closed()
    {
        Pair pair = new Pair().Scan();
        pair.Phone.NotFound(pair.Now);
        Assert.Equal((PhonePairingState.Dead, true), (pair.Phone.State, pair.Phone.IsNotFound));
        Assert.Empty(pair.AtPhone.Open);
    }

    [Fact]
    public void A_second_claim_kills_the_first_loudly()
    {
        Pair pair = new Pair().Scan();
        var thief = new PairingDriver();
        PhonePairing second = pair.NewPhone(thief);
        second.Start(pair.Now);
        pair.Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        (string ticket, byte[] claim) = thief.Sent.Dequeue();
        pair.Computer.Receive(ticket, claim, pair.Now);
        Assert.Equal((ComputerPairingState.Dead, EndCode.SecondClaim), (pair.Computer.State, pair.Computer.EndedWith));
        pair.ToPhone();
        Assert.Equal((PhonePairingState.Dead, EndCode.SecondClaim), (pair.Phone.State, pair.Phone.EndedWith));
    }

    [Fact]
    public void A_claim_that_is_delivered_again_does_nothing_nor_does_one_that_does_not_open()
    {
        Pair pair = new Pair().Scan();
        (string ticket, byte[] claim) = pair.AtPhone.Sent.Peek();
        pair.Computer.Receive(ticket, [], pair.Now);
        for (int at = 0; at < claim.Length; at++)
        {
            byte[] bent = [.. claim];
            bent[at] ^= 1;
            pair.Computer.Receive(ticket, bent, pair.Now);
            pair.Computer.Receive(ticket, claim.AsSpan(0, at), pair.Now);
        }

        Assert.Equal((ComputerPairingState.Showing, (2L * claim.Length) + 1), (pair.Computer.State, pair.Computer.IgnoredClaims));
        pair.ToComputer();
        pair.Computer.Receive(ticket, claim, pair.Now);
        byte[] other = [.. claim];
        other[^1] ^= 1;
        pair.Computer.Receive(ticket, other, pair.Now);
        pair.Computer.Receive("ticket/another", claim, pair.Now);
        Assert.Equal(ComputerPairingState.Claimed, pair.Computer.State);
        pair.Until(ComputerPairingState.Linked, PhonePairingState.Linked);
    }

    [Fact]
    public void An_answer_that_was_changed_is_none()
    {
        Pair pair = new Pair().Scan();
        pair.ToComputer();
        (_, byte[] answer) = pair.AtComputer.Sent.Peek();
        for (int at = 0; at < answer.Length; at++)
        {
            byte[] bent = [.. answer];
            bent[at] ^= 0x80;
            pair.Phone.Receive(bent, pair.Now);
            pair.Phone.Receive(answer.AsSpan(0, at), pair.Now);
        }

        Assert.Equal((PhonePairingState.Claiming, 2L * answer.Length), (pair.Phone.State, pair.Phone.IgnoredAnswers));
        pair.Until(ComputerPairingState.Linked, PhonePairingState.Linked);
    }

    [Theory]
    [InlineData(ComputerPairingState.Claimed)]
    [InlineData(ComputerPairingState.Numbered)]
    public void Sixty_seconds_are_enough(ComputerPairingState state)
    {
        Pair pair = new Pair().Scan();
        pair.Until(state, state == ComputerPairingState.Claimed ? PhonePairingState.Claiming : PhonePairingState.Choosing);
        pair.Computer.Tick(pair.Now + 59_999);
        pair.Phone.Tick(pair.Now + 59_999);
        Assert.Equal(state, pair.Computer.State);
        Assert.NotEqual(PhonePairingState.Dead, pair.Phone.State);
        pair.Computer.Tick(pair.Now + 60_000);
        pair.Phone.Tick(pair.Now + 60_000);
        Assert.Equal((ComputerPairingState.Dead, EndCode.TooSlow), (pair.Computer.State, pair.Computer.EndedWith));
        Assert.Equal((PhonePairingState.Dead, EndCode.TooSlow), (pair.Phone.State, pair.Phone.EndedWith));
        Assert.Empty(pair.AtPhone.Open);
    }

    [Fact]
    public void A_message_out_of_turn_ends_with_the_rule_that_was_broken()
    {
        Pair pair = new Pair().Scan().Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        pair.Computer.Receive(pair.Computer.Channel!.OwnInbox, pair.Phone.Channel!.Seal(new ChatMessage { Id = 1 }.ToArray(), pair.Now), pair.Now);
        Assert.Equal((ComputerPairingState.Dead, EndCode.ProtocolError, LinkFault.OutOfTurn.Text()), (pair.Computer.State, pair.Computer.EndedWith, pair.Computer.EndReason));
        pair.ToPhone();
        Assert.Equal((PhonePairingState.Dead, EndCode.ProtocolError, LinkFault.OutOfTurn.Text()), (pair.Phone.State, pair.Phone.EndedWith, pair.Phone.EndReason));
    }

    [Fact]
    public void A_message_of_a_later_version_is_skipped()
    {
        Pair pair = new Pair().Scan().Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        pair.Computer.Receive(pair.Computer.Channel!.OwnInbox, pair.Phone.Channel!.Seal([0x7F, 1, 2, 3], pair.Now), pair.Now);
        pair.Phone.Receive(pair.Computer.Channel.Seal([0x7F], pair.Now), pair.Now);
        pair.Until(ComputerPairingState.Linked, PhonePairingState.Linked);
    }

    [Fact]
    public void Unlinking_erases_the_keys_and_shows_a_new_code()
    {
        Pair pair = Pair.Linked();
        LinkChannel channel = pair.Computer.Channel!;
        pair.Computer.Unlink(pair.Now);
        Assert.Equal((ComputerPairingState.Showing, 1), (pair.Computer.State, pair.AtComputer.Open.Count));
        Assert.Equal(new byte[64], channel.Export()[^64..]);
        pair.ToPhone();
        Assert.Equal((PhonePairingState.Dead, EndCode.Unlinked), (pair.Phone.State, pair.Phone.EndedWith));
        Assert.Empty(pair.AtPhone.Open);
    }

    [Theory]
    [InlineData(ComputerPairingState.Claimed)]
    [InlineData(ComputerPairingState.Numbered)]
    public void A_phone_that_the_computers_owner_does_not_know_is_refused(ComputerPairingState state)
    {
        Pair pair = new Pair().Scan().Until(state, state == ComputerPairingState.Claimed ? PhonePairingState.Claiming : PhonePairingState.Choosing);
        string code = pair.Computer.Secret!.ToCode();
        pair.Computer.Refuse(pair.Now);
        Assert.Equal((ComputerPairingState.Showing, EndCode.Refused), (pair.Computer.State, pair.Computer.EndedWith));
        Assert.NotEqual(code, pair.Computer.Secret.ToCode());
        while (pair.AtComputer.Sent.Count > 0) pair.ToPhone();
        Assert.Equal((PhonePairingState.Dead, EndCode.Refused), (pair.Phone.State, pair.Phone.EndedWith));
    }

    [Fact]
    public void A_login_says_which()
    {
        Pair pair = new Pair(new ComputerPairingOptions { LoginId = "l-17" }).Scan().Until(ComputerPairingState.Numbered, PhonePairingState.Choosing);
        Assert.Equal("l-17", pair.Phone.LoginId);
    }

    [Fact]
    public void Trusted_ends_link_without_a_code_and_without_a_number()
    {
        (TrustedEnd atPhone, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        Assert.Equal(2, pair.AtComputer.Open.Count);
        var phone = new PhonePairing(atPhone, "Ana's phone", "Android", pair.AtPhone);
        phone.Start(pair.Now);
        (string ticket, byte[] claim) = pair.AtPhone.Sent.Dequeue();
        pair.Computer.Receive(ticket, claim, pair.Now);
        Assert.Equal(ComputerPairingState.Recognized, pair.Computer.State);
        phone.Receive(pair.AtComputer.Sent.Dequeue().Mail, pair.Now);
        Assert.Equal(PhonePairingState.Linked, phone.State);
        (string inbox, byte[] confirmed) = pair.AtPhone.Sent.Dequeue();
        pair.Computer.Receive(inbox, confirmed, pair.Now);
        Assert.Equal(ComputerPairingState.Linked, pair.Computer.State);
        Assert.Equal([ticket, inbox], pair.AtComputer.Open);
    }

    [Fact]
    public void A_trusted_phone_that_has_lost_the_link_takes_its_own_place()
    {
        (Pair pair, PhonePairing first, TrustedEnd atPhone) = LinkTrusted();
        LinkChannel old = pair.Computer.Channel!;
        var driver = new PairingDriver();
        var again = new PhonePairing(atPhone, "Ana's phone", "Another browser", driver);
        again.Start(pair.Now);
        (string ticket, byte[] claim) = driver.Sent.Dequeue();
        pair.Computer.Receive(ticket, claim, pair.Now);
        pair.Computer.Receive(ticket, claim, pair.Now);
        Assert.Equal((ComputerPairingState.Linked, old, 1L), (pair.Computer.State, pair.Computer.Channel, pair.Computer.IgnoredClaims));
        again.Receive(pair.AtComputer.Sent.Dequeue().Mail, pair.Now);
        (string inbox, byte[] confirmed) = driver.Sent.Dequeue();
        pair.Computer.Receive(inbox, confirmed, pair.Now);

        Assert.Equal((ComputerPairingState.Linked, PhonePairingState.Linked), (pair.Computer.State, again.State));
        Assert.Equal((inbox, "Another browser", long.MaxValue), (pair.Computer.Channel!.OwnInbox, pair.Computer.PhonePlatform, pair.Computer.Deadline));
        Assert.Equal([ticket, inbox], pair.AtComputer.Open);
        Assert.Equal(new byte[64], old.Export()[^64..]);
        first.Receive(pair.AtComputer.Sent.Dequeue().Mail, pair.Now);
        Assert.Equal((PhonePairingState.Dead, EndCode.Replaced), (first.State, first.EndedWith));

        byte[] envelope = again.Channel!.Seal(new PingMessage { Opaque = 5 }.ToArray(), pair.Now);
        Assert.Equal(EnvelopeOutcome.Opened, pair.Computer.Channel.Open(envelope, out _, out _));
        pair.AtComputer.Open.Remove(ticket);
        pair.Computer.TicketExpired(ticket);
        Assert.Contains(ticket, pair.AtComputer.Open);
        pair.Computer.Unlink(pair.Now);
        Assert.Equal((ComputerPairingState.Showing, 2), (pair.Computer.State, pair.AtComputer.Open.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60_000)]
    public void Who_repeats_an_old_claim_of_the_phone_that_is_linked_changes_nothing(int milliseconds)
    {
        (Pair pair, _, TrustedEnd atPhone) = LinkTrusted();
        LinkChannel link = pair.Computer.Channel!;
        string[] open = [.. pair.AtComputer.Open];
        var driver = new PairingDriver();
        var kept = new PhonePairing(atPhone, "", "", driver);
        kept.Start(pair.Now);
        (string ticket, byte[] claim) = driver.Sent.Dequeue();
        pair.Computer.Receive(ticket, claim, pair.Now);
        Assert.Equal(3, pair.AtComputer.Open.Count);
        if (milliseconds == 0)
        {
            // Something else than CONFIRMED, as only the phone itself can say.
            kept.Receive(pair.AtComputer.Sent.Dequeue().Mail, pair.Now);
            driver.Sent.Dequeue();
            pair.Computer.Receive(pair.AtComputer.Open[^1], kept.Channel!.Seal(new EndMessage { Code = EndCode.Refused }.ToArray(), pair.Now), pair.Now);
        }

        pair.Computer.Tick(pair.Now + milliseconds);
        Assert.Equal((ComputerPairingState.Linked, link, long.MaxValue), (pair.Computer.State, pair.Computer.Channel, pair.Computer.Deadline));
        Assert.Equal(open, pair.AtComputer.Open);
    }

    [Fact]
    public void Who_repeats_an_old_claim_of_a_trusted_phone_neither_links_nor_keeps_the_phone_out()
    {
        (TrustedEnd atPhone, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        new PhonePairing(atPhone, "", "", pair.AtPhone).Start(pair.Now);
        (string ticket, byte[] old) = pair.AtPhone.Sent.Dequeue();
        pair.Computer.Receive(ticket, old, pair.Now);
        Assert.Equal(ComputerPairingState.Recognized, pair.Computer.State);
        var driver = new PairingDriver();
        var phone = new PhonePairing(atPhone, "", "", driver);
        phone.Start(pair.Now);
        pair.Computer.Receive(ticket, driver.Sent.Dequeue().Mail, pair.Now);
        phone.Receive(pair.AtComputer.Sent.Last().Mail, pair.Now);
        (string inbox, byte[] confirmed) = driver.Sent.Dequeue();
        pair.Computer.Receive(inbox, confirmed, pair.Now);
        Assert.Equal(ComputerPairingState.Linked, pair.Computer.State);
    }

    [Fact]
    public void A_recognized_phone_that_says_no_more_is_forgotten_quietly()
    {
        (TrustedEnd atPhone, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        new PhonePairing(atPhone, "", "", pair.AtPhone).Start(pair.Now);
        (string ticket, byte[] old) = pair.AtPhone.Sent.Dequeue();
        pair.Computer.Receive(ticket, old, pair.Now);
        pair.Computer.Tick(pair.Now + 60_000);
        Assert.Equal(ComputerPairingState.Showing, pair.Computer.State);
        Assert.Equal(2, pair.AtComputer.Open.Count);
        Assert.Contains(ticket, pair.AtComputer.Open);
    }

    [Fact]
    public void The_ticket_of_a_trusted_phone_is_opened_again_when_the_server_closes_it()
    {
        (_, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        string code = pair.AtComputer.Open[0], trusted = MailboxNames.Ticket(atComputer.RoutingId.Span);
        pair.AtComputer.Open.Clear();
        pair.Computer.TicketExpired(code);
        pair.Computer.TicketExpired(trusted);
        Assert.Equal([trusted], pair.AtComputer.Open);
        pair.Computer.Dispose();
    }

    [Fact]
    public void Nothing_that_is_thrown_or_said_has_a_key_in_it()
    {
        Pair pair = Pair.Linked();
        string[] said =
        [
            pair.Computer.ToString()!, pair.Phone.ToString()!, pair.Computer.Channel!.ToString()!,
            Assert.ThrowsAny<Exception>(() => pair.Computer.Channel.Seal([], 0)).ToString(),
            Assert.ThrowsAny<Exception>(() => LinkKeyPair.Import(new byte[32])).ToString(),
            Assert.ThrowsAny<Exception>(() => LinkKeyPair.Import([.. Enumerable.Repeat((byte)0xEE, 31)])).ToString(),
            Assert.ThrowsAny<Exception>(() => LinkKeyPair.Import([.. Enumerable.Repeat((byte)0xFF, 32)])).ToString(),
        ];
        Assert.All(said, text => Assert.DoesNotMatch("(?i)[0-9a-f]{16}|(238, ?){4}|(EE){4}", text));
    }

    [Fact]
    public void Somebody_else_with_a_key_pair_is_not_the_trusted_phone()
    {
        (_, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        Assert.True(TrustedEnd.TryCreate(LinkKeyPair.Create(), atComputer.Own.PublicKey.Span, out TrustedEnd? stranger));
        new PhonePairing(stranger, "", "", pair.AtPhone).Start(pair.Now);
        pair.Computer.Receive(MailboxNames.Ticket(atComputer.RoutingId.Span), pair.AtPhone.Sent.Dequeue().Mail, pair.Now);
        Assert.Equal((ComputerPairingState.Showing, 1L), (pair.Computer.State, pair.Computer.IgnoredClaims));
    }

    private static (Pair Pair, PhonePairing Phone, TrustedEnd AtPhone) LinkTrusted()
    {
        (TrustedEnd atPhone, TrustedEnd atComputer) = Trust();
        var pair = new Pair(new ComputerPairingOptions { Trusted = [atComputer] });
        pair.Computer.Start(pair.Now);
        var phone = new PhonePairing(atPhone, "Ana's phone", "Android", pair.AtPhone);
        phone.Start(pair.Now);
        pair.ToComputer();
        phone.Receive(pair.AtComputer.Sent.Dequeue().Mail, pair.Now);
        pair.ToComputer();
        Assert.Equal(ComputerPairingState.Linked, pair.Computer.State);
        return (pair, phone, atPhone);
    }

    private static (TrustedEnd AtPhone, TrustedEnd AtComputer) Trust()
    {
        LinkKeyPair phone = LinkKeyPair.Create(), computer = LinkKeyPair.Create();
        Assert.True(TrustedEnd.TryCreate(phone, computer.PublicKey.Span, out TrustedEnd? atPhone));
        Assert.True(TrustedEnd.TryCreate(computer, phone.PublicKey.Span, out TrustedEnd? atComputer));
        return (atPhone, atComputer);
    }
}

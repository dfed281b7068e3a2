using System.Security.Cryptography;
using Tandem.Link.Envelopes;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Pairing;

/// <summary>Pairing as the computer sees it. Not thread-safe: one caller at a time.</summary>
/// <remarks>Times are milliseconds of any clock that does not go back.</remarks>
public sealed class ComputerPairing : IDisposable
{
    private const int CodeMilliseconds = LinkLimits.CodeSeconds * 1000;
    private const int PairingMilliseconds = LinkLimits.PairingSeconds * 1000;

    /// <summary>How many codes are good at a time: the one on the screen, and the one before it, which may just have been photographed.</summary>
    private const int Codes = LinkLimits.TicketSeconds / LinkLimits.CodeSeconds;

    private readonly ComputerPairingOptions _options;
    private readonly IPairingDriver _driver;
    private readonly List<(LinkSecret Secret, TicketKeys Keys)> _codes = [];
    private readonly byte[] _nonce = new byte[LinkLimits.KeyBytes];
    private readonly byte[] _phoneNonce = new byte[LinkLimits.KeyBytes];
    private bool _trustedTicketsAreOpen;
    private LinkHandshake? _handshake;
    private byte[] _claim = [];
    private string _claimedTicket = "";
    private bool _isTrustedClaim;
    private Successor? _successor;
    private long _deadline = long.MaxValue;

    /// <summary>A pairing that begins with <see cref="Start"/>.</summary>
    /// <param name="options">What the phone is told.</param>
    /// <param name="driver">What moves bytes.</param>
    public ComputerPairing(ComputerPairingOptions options, IPairingDriver driver)
    {
        _options = options;
        _driver = driver;
    }

    /// <summary>Where it is.</summary>
    public ComputerPairingState State { get; private set; }

    /// <summary>The secret to be shown while <see cref="State"/> is Showing.</summary>
    public LinkSecret? Secret => _codes.Count > 0 ? _codes[^1].Secret : null;

    /// <summary>The number to be shown while <see cref="State"/> is Numbered, 0 to 99; shown with two digits.</summary>
    public int Number { get; private set; } = -1;

    /// <summary>What the phone is called, when it has claimed.</summary>
    public string PhoneName { get; private set; } = "";

    /// <summary>What the phone runs on.</summary>
    public string PhonePlatform { get; private set; } = "";

    /// <summary>Why it is over, when <see cref="State"/> is Dead, or Showing after a link.</summary>
    public EndCode? EndedWith { get; private set; }

    /// <summary>What the end says about that, or the rule that was broken; for logs.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>How many claims came to nothing: they did not open, or were a repetition, or for another code.</summary>
    public long IgnoredClaims { get; private set; }

    /// <summary>
    /// What is sealed and opened with, from Claimed to the end. When linked, it is the program's to use; the keys are erased when the pairing says so. It is another one when a trusted phone has linked
    /// again in place of itself: what that one has not seen is to be sent again.
    /// </summary>
    public LinkChannel? Channel { get; private set; }

    /// <summary>When <see cref="Tick"/> is due; <see cref="long.MaxValue"/>: not at all.</summary>
    public long Deadline => _deadline;

    /// <summary>Shows the first code.</summary>
    /// <param name="now">The time.</param>
    public void Start(long now) => Signal(ComputerPairingSignal.Start, now);

    /// <summary>Does what is due.</summary>
    /// <param name="now">The time.</param>
    public void Tick(long now)
    {
        if (now >= _deadline) Signal(State == ComputerPairingState.Showing ? ComputerPairingSignal.CodeAged : ComputerPairingSignal.Overdue, now);
    }

    /// <summary>Its owner wants a new code after a failure.</summary>
    /// <param name="now">The time.</param>
    public void ShowNewCode(long now) => Signal(ComputerPairingSignal.NewCode, now);

    /// <summary>Its owner unlinks: END is sent, and a new code shown.</summary>
    /// <param name="now">The time.</param>
    public void Unlink(long now) => Signal(ComputerPairingSignal.Unlink, now);

    /// <summary>Its owner does not know the phone that has claimed the code: it is refused, and a new code shown.</summary>
    /// <param name="now">The time.</param>
    public void Refuse(long now) => Signal(ComputerPairingSignal.Refuse, now);

    /// <summary>The link has ended in the conversation.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">What was said about it.</param>
    /// <param name="now">The time.</param>
    public void LinkEnded(EndCode code, string reason, long now)
    {
        (EndedWith, EndReason) = (code, reason);
        Signal(ComputerPairingSignal.End, now);
    }

    /// <summary>Takes what came to a mailbox that was opened for this pairing. When linked, what comes to the inbox is the conversation's.</summary>
    /// <param name="mailbox">Its name.</param>
    /// <param name="mail">Any bytes.</param>
    /// <param name="now">The time.</param>
    public void Receive(string mailbox, ReadOnlySpan<byte> mail, long now)
    {
        if (Channel?.OwnInbox == mailbox) Open(mail, now);
        else if (_successor?.Channel.OwnInbox == mailbox) OpenSuccessor(mail, now);
        else Claim(mailbox, mail, now);
    }

    /// <summary>
    /// The server has closed a ticket, which it does after 60 s. That of a trusted phone is opened again, for as long as codes are shown, or it is the phone that this computer is linked with.
    /// </summary>
    /// <param name="mailbox">Its name.</param>
    public void TicketExpired(string mailbox)
    {
        bool isTrusted = _options.Trusted.Any(end => MailboxNames.Ticket(end.RoutingId.Span) == mailbox);
        if (isTrusted && (_trustedTicketsAreOpen || IsOfLinkedPhone(mailbox))) _driver.OpenMailbox(mailbox);
    }

    /// <summary>Erases all keys.</summary>
    public void Dispose()
    {
        Channel?.Dispose();
        _handshake?.Dispose();
        _successor?.Channel.Dispose();
        foreach ((LinkSecret secret, TicketKeys keys) in _codes) Erase(secret, keys);
        CryptographicOperations.ZeroMemory(_nonce);
    }

    private void Claim(string ticket, ReadOnlySpan<byte> claim, long now)
    {
        if (IsOfLinkedPhone(ticket))
        {
            ClaimAgain(ticket, claim, now);
            return;
        }

        bool isPending = State is ComputerPairingState.Claimed or ComputerPairingState.Numbered or ComputerPairingState.Recognized;
        if ((State != ComputerPairingState.Showing && !isPending) || (isPending && (ticket != _claimedTicket || claim.SequenceEqual(_claim)))
            || TryOpenClaim(ticket, claim, out bool isTrusted, out byte[] payload) is not { } handshake)
        {
            IgnoredClaims++;
            return;
        }

        if (isPending && !isTrusted)
        {
            handshake.Dispose();
            Signal(ComputerPairingSignal.SecondClaim, now);
            return;
        }

        if (isPending) Forget();
        _handshake = handshake;
        _claim = claim.ToArray();
        (_claimedTicket, _isTrustedClaim) = (ticket, isTrusted);
        ClaimPayload.Read(payload, out ClaimPayload claimant);
        (PhoneName, PhonePlatform) = (WireText.Decode(claimant.Name), WireText.Decode(claimant.Platform));
        Signal(isTrusted ? ComputerPairingSignal.TrustedClaim : ComputerPairingSignal.Claim, now);
    }

    private bool IsOfLinkedPhone(string ticket) => State == ComputerPairingState.Linked && _isTrustedClaim && ticket == _claimedTicket;

    /// <summary>The trusted phone that this computer is linked with may have lost the link, with its page.</summary>
    private void ClaimAgain(string ticket, ReadOnlySpan<byte> claim, long now)
    {
        if (claim.SequenceEqual(_claim) || claim.SequenceEqual(_successor?.Claim) || TryOpenClaim(ticket, claim, out _, out byte[] payload) is not { } handshake)
        {
            IgnoredClaims++;
            return;
        }

        if (_successor != null) ForgetSuccessor();
        using (handshake)
        {
            ClaimPayload.Read(payload, out ClaimPayload claimant);
            byte[] answer = handshake.Write(MailType.Answer, _options.ToPayload(new byte[LinkLimits.KeyBytes]));
            _successor = new Successor(handshake.Split(), claim.ToArray(), WireText.Decode(claimant.Name), WireText.Decode(claimant.Platform), answer);
        }

        Signal(ComputerPairingSignal.TrustedClaim, now);
    }

    private void OpenSuccessor(ReadOnlySpan<byte> envelope, long now)
    {
        EnvelopeOutcome outcome = _successor!.Channel.Open(envelope, out ReadOnlySpan<byte> message, out LinkFault fault);
        if (outcome is EnvelopeOutcome.Repetition or EnvelopeOutcome.NotOpened) return;
        if (fault == LinkFault.None) fault = LinkTable.Judge((MessageType)message[0], fromComputer: false);
        if (fault == LinkFault.UnknownType) return;
        bool isConfirmed = fault == LinkFault.None && (MessageType)message[0] == MessageType.Confirmed && ConfirmedMessage.Read(message, out _) == LinkFault.None;
        Signal(isConfirmed ? ComputerPairingSignal.SuccessorConfirmed : ComputerPairingSignal.SuccessorOver, now);
    }

    private LinkHandshake? TryOpenClaim(string ticket, ReadOnlySpan<byte> claim, out bool isTrusted, out byte[] payload)
    {
        TrustedEnd? trusted = _options.Trusted.FirstOrDefault(end => MailboxNames.Ticket(end.RoutingId.Span) == ticket);
        TicketKeys? keys = _codes.Find(code => MailboxNames.Ticket(code.Keys.RoutingId.Span) == ticket).Keys;
        isTrusted = trusted != null;
        payload = [];
        if (trusted == null && keys == null) return null;
        LinkHandshake handshake = trusted != null ? LinkHandshake.Of(isComputer: true, trusted) : LinkHandshake.Of(isComputer: true, keys!);
        // A payload that breaks a rule is from somebody with the key: still not a claim.
        if (handshake.TryRead(MailType.Claim, claim, out payload) && ClaimPayload.Read(payload, out _) == LinkFault.None) return handshake;
        handshake.Dispose();
        return null;
    }

    private void Open(ReadOnlySpan<byte> envelope, long now)
    {
        EnvelopeOutcome outcome = Channel!.Open(envelope, out ReadOnlySpan<byte> message, out LinkFault fault);
        if (outcome is EnvelopeOutcome.Repetition or EnvelopeOutcome.NotOpened) return;
        if (fault == LinkFault.None) fault = LinkTable.Judge((MessageType)message[0], fromComputer: false);
        if (fault == LinkFault.UnknownType) return;
        ComputerPairingSignal signal = fault == LinkFault.None ? Read(message, out fault) : ComputerPairingSignal.OutOfTurn;
        if (signal == ComputerPairingSignal.OutOfTurn) EndReason = (fault == LinkFault.None ? LinkFault.OutOfTurn : fault).Text();
        Signal(signal, now);
    }

    private ComputerPairingSignal Read(ReadOnlySpan<byte> message, out LinkFault fault)
    {
        ComputerPairingSignal signal;
        switch ((MessageType)message[0])
        {
            case MessageType.Nonce:
                fault = NonceMessage.Read(message, out NonceMessage nonce);
                if (fault == LinkFault.None && State == ComputerPairingState.Claimed) nonce.Nonce.CopyTo(_phoneNonce);
                signal = ComputerPairingSignal.Nonce;
                break;
            case MessageType.Confirmed:
                fault = ConfirmedMessage.Read(message, out _);
                signal = ComputerPairingSignal.Confirmed;
                break;
            case MessageType.End:
                fault = EndMessage.Read(message, out EndMessage end);
                if (fault == LinkFault.None) (EndedWith, EndReason) = (end.Code, WireText.Decode(end.Reason));
                signal = ComputerPairingSignal.End;
                break;
            default:
                fault = LinkFault.OutOfTurn;
                signal = ComputerPairingSignal.OutOfTurn;
                break;
        }

        return fault == LinkFault.None ? signal : ComputerPairingSignal.OutOfTurn;
    }

    private void Signal(ComputerPairingSignal signal, long now)
    {
        (ComputerPairingState next, ComputerPairingActions actions) = ComputerPairingTable.Next(State, signal);
        if (next == State && actions == ComputerPairingActions.None) return;
        State = next;
        if (actions.HasFlag(ComputerPairingActions.Answer)) Answer(now);
        if (actions.HasFlag(ComputerPairingActions.Reveal)) Reveal(now);
        if (actions.HasFlag(ComputerPairingActions.EndSecondClaim)) SendEnd(EndCode.SecondClaim, now);
        if (actions.HasFlag(ComputerPairingActions.EndTooSlow)) SendEnd(EndCode.TooSlow, now);
        if (actions.HasFlag(ComputerPairingActions.EndProtocolError)) SendEnd(EndCode.ProtocolError, now);
        if (actions.HasFlag(ComputerPairingActions.EndUnlinked)) SendEnd(EndCode.Unlinked, now);
        if (actions.HasFlag(ComputerPairingActions.EndRefused)) SendEnd(EndCode.Refused, now);
        if (actions.HasFlag(ComputerPairingActions.AnswerSuccessor)) AnswerSuccessor(now);
        if (actions.HasFlag(ComputerPairingActions.Replace)) Replace(now);
        if (actions.HasFlag(ComputerPairingActions.ForgetSuccessor)) ForgetSuccessor();
        if (actions.HasFlag(ComputerPairingActions.CloseTickets)) CloseTickets();
        if (actions.HasFlag(ComputerPairingActions.Erase)) Forget();
        if (actions.HasFlag(ComputerPairingActions.ShowCode)) ShowCode(now);
        if (State is ComputerPairingState.Linked or ComputerPairingState.Dead && _successor == null) _deadline = long.MaxValue;
        _driver.Changed();
    }

    private void ShowCode(long now)
    {
        var secret = LinkSecret.Create();
        TicketKeys keys = secret.DeriveKeys();
        _codes.Add((secret, keys));
        _driver.OpenMailbox(MailboxNames.Ticket(keys.RoutingId.Span));
        if (_codes.Count > Codes) CloseCode(0);
        if (!_trustedTicketsAreOpen) foreach (TrustedEnd end in _options.Trusted) _driver.OpenMailbox(MailboxNames.Ticket(end.RoutingId.Span));
        _trustedTicketsAreOpen = true;
        _deadline = now + CodeMilliseconds;
    }

    private void Answer(long now)
    {
        LinkHandshake handshake = _handshake!;
        byte[] commitment = new byte[LinkLimits.KeyBytes];
        if (!_isTrustedClaim)
        {
            RandomNumberGenerator.Fill(_nonce);
            commitment = LinkNumber.Commit(_nonce);
        }

        byte[] answer = handshake.Write(MailType.Answer, _options.ToPayload(commitment));
        Channel = handshake.Split();
        _driver.OpenMailbox(Channel.OwnInbox);
        _driver.Send(Channel.OtherInbox, answer);
        _deadline = now + PairingMilliseconds;
        EndedWith = null;
        EndReason = "";
    }

    private void AnswerSuccessor(long now)
    {
        _driver.OpenMailbox(_successor!.Channel.OwnInbox);
        _driver.Send(_successor.Channel.OtherInbox, _successor.Answer);
        _deadline = now + PairingMilliseconds;
    }

    /// <summary>Who still has the old link is told: it may be another page of the same phone.</summary>
    private void Replace(long now)
    {
        Successor successor = _successor!;
        _successor = null;
        string ticket = _claimedTicket;
        SendEnd(EndCode.Replaced, now);
        Forget();
        (Channel, _claim, _claimedTicket) = (successor.Channel, successor.Claim, ticket);
        (PhoneName, PhonePlatform) = (successor.Name, successor.Platform);
        (EndedWith, EndReason) = (null, "");
    }

    private void ForgetSuccessor()
    {
        if (_successor == null) return;
        _driver.CloseMailbox(_successor.Channel.OwnInbox);
        _successor.Channel.Dispose();
        _successor = null;
    }

    private void Reveal(long now)
    {
        Number = LinkNumber.Compute(_handshake!.Hash, _phoneNonce, _nonce);
        _driver.Send(Channel!.OtherInbox, Channel.Seal(new RevealMessage { Nonce = _nonce }.ToArray(), now));
    }

    private void SendEnd(EndCode code, long now)
    {
        EndedWith = code;
        byte[] message = new EndMessage { Code = code, Reason = WireText.Encode(EndReason, LinkLimits.MaxReasonBytes) }.ToArray();
        _driver.Send(Channel!.OtherInbox, Channel.Seal(message, now));
    }

    private void CloseTickets()
    {
        while (_codes.Count > 0) CloseCode(0);
        foreach (string ticket in _options.Trusted.Select(end => MailboxNames.Ticket(end.RoutingId.Span)))
        {
            // The phone that it is linked with may lose its page.
            bool isOpen = _trustedTicketsAreOpen || (_isTrustedClaim && ticket == _claimedTicket);
            if (isOpen && !IsOfLinkedPhone(ticket)) _driver.CloseMailbox(ticket);
        }

        _trustedTicketsAreOpen = false;
    }

    private void CloseCode(int index)
    {
        (LinkSecret secret, TicketKeys keys) = _codes[index];
        _codes.RemoveAt(index);
        _driver.CloseMailbox(MailboxNames.Ticket(keys.RoutingId.Span));
        Erase(secret, keys);
    }

    /// <summary>Nothing of the claim, and of what followed, is left.</summary>
    private void Forget()
    {
        ForgetSuccessor();
        if (Channel != null) _driver.CloseMailbox(Channel.OwnInbox);
        Channel?.Dispose();
        _handshake?.Dispose();
        (Channel, _handshake, Number, _claim, _claimedTicket) = (null, null, -1, [], "");
        CryptographicOperations.ZeroMemory(_nonce);
    }

    private static void Erase(LinkSecret secret, TicketKeys keys)
    {
        secret.Dispose();
        keys.Dispose();
    }

    /// <summary>What a trusted phone has claimed while the link with it was up.</summary>
    private sealed record Successor(LinkChannel Channel, byte[] Claim, string Name, string Platform, byte[] Answer);
}

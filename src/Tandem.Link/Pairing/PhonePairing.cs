using System.Security.Cryptography;
using Tandem.Link.Envelopes;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Pairing;

/// <summary>Pairing as the phone sees it. Not thread-safe: one caller at a time.</summary>
/// <remarks>Times are milliseconds of any clock that does not go back.</remarks>
public sealed class PhonePairing : IDisposable
{
    private const int PairingMilliseconds = LinkLimits.PairingSeconds * 1000;

    private readonly string _name;
    private readonly string _platform;
    private readonly IPairingDriver _driver;
    private readonly LinkHandshake _handshake;
    private readonly TicketKeys? _keys;
    private readonly string _ticket;
    private readonly bool _isTrusted;
    private readonly byte[] _nonce = new byte[LinkLimits.KeyBytes];
    private readonly byte[] _commitment = new byte[LinkLimits.KeyBytes];
    private readonly List<int> _choices = [];
    private int _number = -1;
    private long _deadline = long.MaxValue;

    /// <summary>A pairing by a code, which begins with <see cref="Start"/>.</summary>
    /// <param name="secret">What was read. It is still the caller's.</param>
    /// <param name="name">What the phone is called, at most 64 bytes of UTF-8; longer ones are cut.</param>
    /// <param name="platform">What it runs on, likewise.</param>
    /// <param name="driver">What moves bytes.</param>
    public PhonePairing(LinkSecret secret, string name, string platform, IPairingDriver driver)
    {
        (_name, _platform, _driver) = (name, platform, driver);
        _keys = secret.DeriveKeys();
        _ticket = MailboxNames.Ticket(_keys.RoutingId.Span);
        _handshake = LinkHandshake.Of(isComputer: false, _keys);
    }

    /// <summary>A pairing with a computer that this phone trusts.</summary>
    /// <param name="computer">The computer. It is still the caller's, and lives as long as the pairing.</param>
    /// <param name="name">What the phone is called.</param>
    /// <param name="platform">What it runs on.</param>
    /// <param name="driver">What moves bytes.</param>
    public PhonePairing(TrustedEnd computer, string name, string platform, IPairingDriver driver)
    {
        (_name, _platform, _driver) = (name, platform, driver);
        _isTrusted = true;
        _ticket = MailboxNames.Ticket(computer.RoutingId.Span);
        _handshake = LinkHandshake.Of(isComputer: false, computer);
    }

    /// <summary>Where it is.</summary>
    public PhonePairingState State { get; private set; }

    /// <summary>The mailbox that the claim goes to.</summary>
    public string Ticket => _ticket;

    /// <summary>The mailbox of this end.</summary>
    public string Inbox => MailboxNames.Inbox(_handshake.OwnInboxId);

    /// <summary>The origin of the page that asks, from Asked on. It comes from the computer, and is shown as text.</summary>
    public string Origin { get; private set; } = "";

    /// <summary>Its browser.</summary>
    public string Browser { get; private set; } = "";

    /// <summary>The computer's address as the server sees it; empty: not known.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The login that is asked for; empty: the computer wants to be linked.</summary>
    public string LoginId { get; private set; } = "";

    /// <summary>Three numbers, from Choosing on.</summary>
    public IReadOnlyList<int> Choices => _choices;

    /// <summary>Why it is over: what the computer said, or this end.</summary>
    public EndCode? EndedWith { get; private set; }

    /// <summary>What was said about it, or the rule that was broken.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>No such ticket: the code is no longer valid.</summary>
    public bool IsNotFound { get; private set; }

    /// <summary>The computer's number is not the one that it had committed to: somebody stands between the ends. An alarm.</summary>
    public bool IsDeceived { get; private set; }

    /// <summary>How many answers did not open.</summary>
    public long IgnoredAnswers { get; private set; }

    /// <summary>What is sealed and opened with, from Asked to the end. When linked, it is the program's to use.</summary>
    public LinkChannel? Channel { get; private set; }

    /// <summary>When <see cref="Tick"/> is due; <see cref="long.MaxValue"/>: not at all.</summary>
    public long Deadline => _deadline;

    /// <summary>Opens the inbox and claims.</summary>
    /// <param name="now">The time.</param>
    public void Start(long now) => Signal(PhonePairingSignal.Start, now);

    /// <summary>Does what is due.</summary>
    /// <param name="now">The time.</param>
    public void Tick(long now)
    {
        if (now < _deadline) return;
        EndedWith = EndCode.TooSlow;
        Signal(PhonePairingSignal.Overdue, now);
    }

    /// <summary>The server knows no such ticket.</summary>
    /// <param name="now">The time.</param>
    public void NotFound(long now)
    {
        IsNotFound = State == PhonePairingState.Claiming;
        Signal(PhonePairingSignal.NotFound, now);
    }

    /// <summary>Another consumer has the inbox.</summary>
    /// <param name="now">The time.</param>
    public void TakenOver(long now) => Signal(PhonePairingSignal.TakenOver, now);

    /// <summary>Its owner has picked one of the numbers, or none.</summary>
    /// <param name="number">One of <see cref="Choices"/>; null: none of these.</param>
    /// <param name="now">The time.</param>
    public void Choose(int? number, long now) =>
        Signal(number == null ? PhonePairingSignal.NoneOfThese : number == _number ? PhonePairingSignal.RightNumber : PhonePairingSignal.WrongNumber, now);

    /// <summary>Its owner does not want the link.</summary>
    /// <param name="now">The time.</param>
    public void Refuse(long now) => Signal(PhonePairingSignal.Refuse, now);

    /// <summary>Its owner unlinks: END is sent.</summary>
    /// <param name="now">The time.</param>
    public void Unlink(long now) => Signal(PhonePairingSignal.Unlink, now);

    /// <summary>The link has ended in the conversation.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">What was said about it.</param>
    /// <param name="now">The time.</param>
    public void LinkEnded(EndCode code, string reason, long now)
    {
        (EndedWith, EndReason) = (code, reason);
        Signal(PhonePairingSignal.End, now);
    }

    /// <summary>Takes what came to the inbox. When linked, that is the conversation's.</summary>
    /// <param name="mail">Any bytes.</param>
    /// <param name="now">The time.</param>
    public void Receive(ReadOnlySpan<byte> mail, long now)
    {
        if (State == PhonePairingState.Claiming) ReadAnswer(mail, now);
        else if (Channel != null) Open(mail, now);
    }

    /// <summary>Erases all keys, those of the link too.</summary>
    public void Dispose() => Erase();

    private void ReadAnswer(ReadOnlySpan<byte> mail, long now)
    {
        if (!_handshake.TryRead(MailType.Answer, mail, out byte[] payload))
        {
            IgnoredAnswers++;
            return;
        }

        Channel = _handshake.Split();
        LinkFault fault = AnswerPayload.Read(payload, out AnswerPayload answer);
        if (fault != LinkFault.None)
        {
            // Whoever sealed this has the key, so it is an answer, and its sender is told.
            State = PhonePairingState.Asked;
            Break(fault, now);
            return;
        }

        answer.Commitment.CopyTo(_commitment);
        (Origin, Browser) = (WireText.Decode(answer.Origin), WireText.Decode(answer.Browser));
        (Address, LoginId) = (WireText.Decode(answer.Address), WireText.Decode(answer.LoginId));
        Signal(_isTrusted ? PhonePairingSignal.TrustedAnswer : PhonePairingSignal.Answer, now);
    }

    private void Open(ReadOnlySpan<byte> envelope, long now)
    {
        EnvelopeOutcome outcome = Channel!.Open(envelope, out ReadOnlySpan<byte> message, out LinkFault fault);
        if (outcome is EnvelopeOutcome.Repetition or EnvelopeOutcome.NotOpened) return;
        if (fault == LinkFault.None) fault = LinkTable.Judge((MessageType)message[0], fromComputer: true);
        if (fault == LinkFault.UnknownType) return;
        if (fault == LinkFault.None) fault = Read(message, now);
        if (fault != LinkFault.None) Break(fault, now);
    }

    private LinkFault Read(ReadOnlySpan<byte> message, long now)
    {
        LinkFault fault;
        switch ((MessageType)message[0])
        {
            case MessageType.Reveal:
                fault = RevealMessage.Read(message, out RevealMessage reveal);
                if (fault == LinkFault.None) Reveal(reveal.Nonce, now);
                return fault;
            case MessageType.End:
                fault = EndMessage.Read(message, out EndMessage end);
                if (fault == LinkFault.None) LinkEnded(end.Code, WireText.Decode(end.Reason), now);
                return fault;
            default:
                return LinkFault.OutOfTurn;
        }
    }

    private void Reveal(ReadOnlySpan<byte> nonce, long now)
    {
        bool fits = CryptographicOperations.FixedTimeEquals(LinkNumber.Commit(nonce), _commitment);
        if (State != PhonePairingState.Asked)
        {
            EndReason = LinkFault.OutOfTurn.Text();
        }
        else if (!fits)
        {
            IsDeceived = true;
            EndReason = LinkFault.WrongCommitment.Text();
        }
        else
        {
            _number = LinkNumber.Compute(_handshake.Hash, _nonce, nonce);
            _choices.AddRange(LinkNumber.Choose(_number));
        }

        Signal(fits ? PhonePairingSignal.Reveal : PhonePairingSignal.WrongReveal, now);
    }

    private void Break(LinkFault fault, long now)
    {
        EndReason = fault.Text();
        Signal(PhonePairingSignal.OutOfTurn, now);
    }

    private void Signal(PhonePairingSignal signal, long now)
    {
        (PhonePairingState next, PhonePairingActions actions) = PhonePairingTable.Next(State, signal);
        if (next == State && actions == PhonePairingActions.None) return;
        State = next;
        if (actions.HasFlag(PhonePairingActions.Claim)) Claim(now);
        if (actions.HasFlag(PhonePairingActions.Nonce)) SendNonce(now);
        if (actions.HasFlag(PhonePairingActions.Confirmed)) Send(default(ConfirmedMessage).ToArray(), now);
        if (actions.HasFlag(PhonePairingActions.EndWrongNumber)) SendEnd(EndCode.WrongNumber, now);
        if (actions.HasFlag(PhonePairingActions.EndNoneOfThese)) SendEnd(EndCode.NoneOfThese, now);
        if (actions.HasFlag(PhonePairingActions.EndRefused)) SendEnd(EndCode.Refused, now);
        if (actions.HasFlag(PhonePairingActions.EndProtocolError)) SendEnd(EndCode.ProtocolError, now);
        if (actions.HasFlag(PhonePairingActions.EndUnlinked)) SendEnd(EndCode.Unlinked, now);
        if (State is PhonePairingState.Linked or PhonePairingState.Dead) _deadline = long.MaxValue;
        if (actions.HasFlag(PhonePairingActions.Erase))
        {
            _driver.CloseMailbox(Inbox);
            Erase();
        }

        _driver.Changed();
    }

    private void Claim(long now)
    {
        // The inbox first: the answer must have somewhere to go.
        _driver.OpenMailbox(Inbox);
        var payload = new ClaimPayload { Name = WireText.Encode(_name, LinkLimits.MaxNameBytes), Platform = WireText.Encode(_platform, LinkLimits.MaxNameBytes) };
        _driver.Send(_ticket, _handshake.Write(MailType.Claim, payload.ToArray()));
        _deadline = now + PairingMilliseconds;
    }

    private void SendNonce(long now)
    {
        RandomNumberGenerator.Fill(_nonce);
        Send(new NonceMessage { Nonce = _nonce }.ToArray(), now);
    }

    private void SendEnd(EndCode code, long now)
    {
        EndedWith = code;
        Send(new EndMessage { Code = code, Reason = WireText.Encode(EndReason, LinkLimits.MaxReasonBytes) }.ToArray(), now);
    }

    private void Send(byte[] message, long now) => _driver.Send(Channel!.OtherInbox, Channel.Seal(message, now));

    private void Erase()
    {
        Channel?.Dispose();
        Channel = null;
        _handshake.Dispose();
        _keys?.Dispose();
        CryptographicOperations.ZeroMemory(_nonce);
    }
}

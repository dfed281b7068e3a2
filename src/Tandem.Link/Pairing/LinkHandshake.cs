using Tandem.Link.Envelopes;
using Tandem.Link.Noise;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Pairing;

/// <summary>CLAIM and ANSWER: the handshake as a link uses it.</summary>
internal sealed class LinkHandshake : IDisposable
{
    private readonly bool _isComputer;
    private readonly HandshakeState _state;

    private LinkHandshake(bool isComputer, HandshakePattern pattern, ReadOnlySpan<byte> routingId, HandshakeKeys keys)
    {
        _isComputer = isComputer;
        byte[] prologue = [.. "tandem-link-1"u8, 0, .. routingId];
        _state = new HandshakeState(pattern, !isComputer, prologue, keys);
    }

    public byte[] OwnInboxId => MailboxNames.InboxId(_state.EphemeralPublicKey);

    public byte[] OtherInboxId => MailboxNames.InboxId(_state.OtherEphemeral);

    public ReadOnlySpan<byte> Hash => _state.Hash;

    /// <summary>A handshake between strangers who share a code. The ephemeral key is drawn, unless a test brings one.</summary>
    public static LinkHandshake Of(bool isComputer, TicketKeys ticket, LinkKeyPair? ephemeral = null) =>
        new(isComputer, HandshakePattern.NNpsk0, ticket.RoutingId.Span, new HandshakeKeys { Ephemeral = ephemeral ?? LinkKeyPair.Create(), PreSharedKey = ticket.PreSharedKey });

    /// <summary>A handshake between ends that trust each other.</summary>
    public static LinkHandshake Of(bool isComputer, TrustedEnd trusted, LinkKeyPair? ephemeral = null) => new(
        isComputer, HandshakePattern.KK, trusted.RoutingId.Span,
        new HandshakeKeys { Ephemeral = ephemeral ?? LinkKeyPair.Create(), Static = trusted.Own, OtherStatic = trusted.OtherPublicKey });

    public byte[] Write(MailType type, ReadOnlySpan<byte> payload) => [(byte)type, .. _state.Write(payload)];

    public bool TryRead(MailType type, ReadOnlySpan<byte> mail, out byte[] payload)
    {
        payload = [];
        return !mail.IsEmpty && mail[0] == (byte)type && _state.TryRead(mail[1..], out payload);
    }

    /// <summary>What remains of a handshake whose messages have both passed.</summary>
    public LinkChannel Split() => new(_isComputer, OwnInboxId, OtherInboxId, _state.Split());

    /// <summary>The keys themselves, for vectors.</summary>
    internal (byte[] Phone, byte[] Computer) SplitKeys() => _state.Split();

    public void Dispose() => _state.Dispose();
}

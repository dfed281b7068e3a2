using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Tandem.Link.Protocol;
using Tandem.Link.Secrets;

namespace Tandem.Link.Envelopes;

/// <summary>Both directions of a link, sealed, and the mailboxes that they go through. What the handshake leaves.</summary>
/// <remarks>An instance is driven by one caller at a time.</remarks>
public sealed class LinkChannel : IDisposable
{
    private const byte StateVersion = 1;
    private const int StateBytes = 2 + (2 * LinkLimits.RoutingIdBytes) + 4 + LinkLimits.KeyBytes + 4 + 8 + (2 * LinkLimits.KeyBytes);

    private readonly byte[] _ownInboxId;
    private readonly byte[] _otherInboxId;
    private readonly EnvelopeSender _sender;
    private readonly EnvelopeReceiver _receiver;
    private Action<LinkChannel>? _store;

    internal LinkChannel(bool isComputer, byte[] ownInboxId, byte[] otherInboxId, (byte[] Phone, byte[] Computer) keys)
    {
        IsComputer = isComputer;
        (_ownInboxId, _otherInboxId) = (ownInboxId, otherInboxId);
        _sender = new EnvelopeSender(new KeyChain(0, isComputer ? keys.Computer : keys.Phone), Store);
        _receiver = new EnvelopeReceiver(new KeyChain(0, isComputer ? keys.Phone : keys.Computer), 0);
    }

    private LinkChannel(bool isComputer, byte[] ownInboxId, byte[] otherInboxId, KeyChain sending, KeyChain receiving, ulong next)
    {
        IsComputer = isComputer;
        (_ownInboxId, _otherInboxId) = (ownInboxId, otherInboxId);
        _sender = new EnvelopeSender(sending, Store);
        _receiver = new EnvelopeReceiver(receiving, next);
    }

    /// <summary>Which end this is.</summary>
    public bool IsComputer { get; }

    /// <summary>The mailbox that this end consumes.</summary>
    public string OwnInbox => MailboxNames.Inbox(_ownInboxId);

    /// <summary>The mailbox that this end's envelopes go to.</summary>
    public string OtherInbox => MailboxNames.Inbox(_otherInboxId);

    /// <summary>How many envelopes did not open.</summary>
    public long NotOpened { get; private set; }

    /// <summary>How many envelopes had come before.</summary>
    public long Repetitions { get; private set; }

    /// <summary>Goes on with what <see cref="Export"/> gave: the sender with an epoch that was not used yet.</summary>
    /// <param name="state">The bytes.</param>
    /// <param name="channel">The channel. <see cref="StoreWith"/> says how it stores itself.</param>
    /// <returns>False: these are not the bytes of a channel.</returns>
    public static bool TryImport(ReadOnlySpan<byte> state, [NotNullWhen(true)] out LinkChannel? channel)
    {
        channel = null;
        if (state.Length != StateBytes || state[0] != StateVersion || state[1] > 1) return false;
        bool isComputer = state[1] == 1;
        state = state[2..];
        byte[] own = Take(ref state, LinkLimits.RoutingIdBytes).ToArray();
        byte[] other = Take(ref state, LinkLimits.RoutingIdBytes).ToArray();
        uint sendingEpoch = BinaryPrimitives.ReadUInt32BigEndian(Take(ref state, 4));
        byte[] chainKey = Take(ref state, LinkLimits.KeyBytes).ToArray();
        uint receivingEpoch = BinaryPrimitives.ReadUInt32BigEndian(Take(ref state, 4));
        ulong next = BinaryPrimitives.ReadUInt64BigEndian(Take(ref state, 8));
        ReadOnlySpan<byte> key = Take(ref state, LinkLimits.KeyBytes);
        channel = new LinkChannel(isComputer, own, other, new KeyChain(sendingEpoch, chainKey), KeyChain.Restore(receivingEpoch, key, state), next);
        return true;
    }

    /// <summary>
    /// What is called before the first envelope of each epoch, and has stored <see cref="Export"/>, or what contains it, when it returns. An end that stores its state without it
    /// would seal two messages with one nonce after a crash. Also to be stored: after <see cref="Open"/>, before the delivery is settled.
    /// </summary>
    /// <param name="store">Gets this channel. What it throws comes out of <see cref="Seal"/>, and nothing is sealed.</param>
    public void StoreWith(Action<LinkChannel> store) => _store = store;

    /// <summary>What a later instance goes on with. It is secret.</summary>
    /// <returns>Bytes that name the epoch after the present one for what this end sends, so that they may be used once more whatever has been sealed since.</returns>
    public byte[] Export()
    {
        byte[] state = new byte[StateBytes];
        state[0] = StateVersion;
        state[1] = IsComputer ? (byte)1 : (byte)0;
        Span<byte> rest = state.AsSpan(2);
        Put(ref rest, _ownInboxId);
        Put(ref rest, _otherInboxId);
        BinaryPrimitives.WriteUInt32BigEndian(rest, _sender.FreshEpoch);
        rest = rest[4..];
        Put(ref rest, _sender.FreshChainKey);
        BinaryPrimitives.WriteUInt32BigEndian(rest, _receiver.Chain.Epoch);
        BinaryPrimitives.WriteUInt64BigEndian(rest[4..], _receiver.Next);
        rest = rest[12..];
        Put(ref rest, _receiver.Chain.Key);
        Put(ref rest, _receiver.Chain.Next);
        return state;
    }

    /// <summary>Seals a message for the other end.</summary>
    /// <param name="message">1 to 61,440 bytes.</param>
    /// <param name="now">Milliseconds of any clock that does not go back.</param>
    /// <returns>An envelope for <see cref="OtherInbox"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The message has no bytes, or too many.</exception>
    public byte[] Seal(ReadOnlySpan<byte> message, long now) => _sender.Seal(message, now);

    /// <summary>Opens what came to <see cref="OwnInbox"/>.</summary>
    /// <param name="envelope">Any bytes.</param>
    /// <param name="message">The message; empty unless it opened and breaks no rule.</param>
    /// <param name="fault">The rule that the other end has broken in what it sealed.</param>
    /// <returns>Whether there is a message, or a broken rule, and whether something before it is missing.</returns>
    public EnvelopeOutcome Open(ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> message, out LinkFault fault)
    {
        message = default;
        fault = LinkFault.None;
        EnvelopeOutcome outcome = _receiver.Open(envelope, out byte[] plaintext);
        if (outcome == EnvelopeOutcome.Repetition) Repetitions++;
        else if (outcome == EnvelopeOutcome.NotOpened) NotOpened++;
        else fault = Plaintext.Read(plaintext, out message);
        return outcome;
    }

    /// <summary>Erases the keys.</summary>
    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> state, int length)
    {
        ReadOnlySpan<byte> taken = state[..length];
        state = state[length..];
        return taken;
    }

    private static void Put(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private void Store() => _store?.Invoke(this);
}

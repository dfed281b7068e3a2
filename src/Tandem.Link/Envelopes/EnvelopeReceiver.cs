using System.Buffers.Binary;
using System.Security.Cryptography;
using Tandem.Link.Noise;
using Tandem.Link.Protocol;

namespace Tandem.Link.Envelopes;

/// <summary>What came of an envelope.</summary>
public enum EnvelopeOutcome
{
    /// <summary>It is the next one.</summary>
    Opened,

    /// <summary>It opened, but something before it was lost, or may have been: HELLO with the flag resync is due.</summary>
    OpenedAfterGap,

    /// <summary>It is not above the last one that opened: a mailbox may deliver again.</summary>
    Repetition,

    /// <summary>Not for this link: the server, or somebody who knows the inbox's name, has put it there.</summary>
    NotOpened,
}

/// <summary>Opens the envelopes of one direction. (epoch, counter) only goes up.</summary>
internal sealed class EnvelopeReceiver : IDisposable
{
    private KeyChain _chain;

    public EnvelopeReceiver(KeyChain chain, ulong next)
    {
        _chain = chain;
        Next = next;
    }

    public KeyChain Chain => _chain;

    /// <summary>The counter that is expected in the present epoch.</summary>
    public ulong Next { get; private set; }

    /// <summary>Opens one. The plaintext may still break a rule.</summary>
    public EnvelopeOutcome Open(ReadOnlySpan<byte> envelope, out byte[] plaintext)
    {
        plaintext = [];
        int length = envelope.Length - LinkLimits.EnvelopeHeaderBytes - LinkLimits.TagBytes;
        // No AES-GCM on what cannot have been sealed: whoever sends it shall not pay less than the receiver.
        if (length <= 0 || length % LinkLimits.PaddingBytes != 0 || envelope.Length > Plaintext.MaxEnvelope || envelope[0] != (byte)MailType.Envelope) return EnvelopeOutcome.NotOpened;
        uint epoch = BinaryPrimitives.ReadUInt32BigEndian(envelope[1..]);
        ulong counter = BinaryPrimitives.ReadUInt64BigEndian(envelope[5..]);
        if (epoch < _chain.Epoch || (epoch == _chain.Epoch && counter < Next)) return EnvelopeOutcome.Repetition;
        if (epoch - _chain.Epoch > LinkLimits.MaxEpochStep || counter >= LinkLimits.EpochEnvelopes) return EnvelopeOutcome.NotOpened;

        bool isNewEpoch = epoch != _chain.Epoch;
        // A copy moves ahead, so that a forged epoch costs time but no keys.
        KeyChain chain = isNewEpoch ? _chain.Clone() : _chain;
        chain.MoveTo(epoch);
        byte[] opened = new byte[length];
        if (!TryDecrypt(chain.Key, counter, envelope, opened))
        {
            if (isNewEpoch) chain.Dispose();
            return EnvelopeOutcome.NotOpened;
        }

        bool isGap = isNewEpoch || counter != Next;
        if (isNewEpoch)
        {
            _chain.Dispose();
            _chain = chain;
        }

        Next = counter + 1;
        plaintext = opened;
        return isGap ? EnvelopeOutcome.OpenedAfterGap : EnvelopeOutcome.Opened;
    }

    public void Dispose() => _chain.Dispose();

    private static bool TryDecrypt(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> envelope, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[12];
        SymmetricState.WriteNonce(counter, nonce);
        using var aes = new AesGcm(key, LinkLimits.TagBytes);
        try
        {
            aes.Decrypt(nonce, envelope[LinkLimits.EnvelopeHeaderBytes..^LinkLimits.TagBytes], envelope[^LinkLimits.TagBytes..], plaintext, envelope[..LinkLimits.EnvelopeHeaderBytes]);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using Tandem.Link.Noise;
using Tandem.Link.Protocol;

namespace Tandem.Link.Envelopes;

/// <summary>Seals the messages of one direction. No nonce is used twice, whatever is lost: an epoch is stored before it is used.</summary>
internal sealed class EnvelopeSender : IDisposable
{
    private const int EpochMilliseconds = LinkLimits.EpochSeconds * 1000;
    private readonly KeyChain _chain;
    private readonly Action? _store;
    private ulong _counter;
    private long _first;

    /// <summary>Begins, or goes on with an epoch that was never used. Calls <paramref name="store"/> by the first envelope, and before each later epoch.</summary>
    public EnvelopeSender(KeyChain chain, Action? store)
    {
        _chain = chain;
        _store = store;
    }

    /// <summary>The epoch to store: the first that has certainly not been used.</summary>
    public uint FreshEpoch => _chain.Epoch + 1;

    /// <summary>The chain key of that epoch.</summary>
    public ReadOnlySpan<byte> FreshChainKey => _chain.Next;

    /// <summary>Seals a message. <paramref name="now"/>: milliseconds of any clock that does not go back.</summary>
    public byte[] Seal(ReadOnlySpan<byte> message, long now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(message.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, LinkLimits.MaxMessageBytes);
        if (_counter >= LinkLimits.EpochEnvelopes || (_counter > 0 && now - _first >= EpochMilliseconds))
        {
            _chain.MoveTo(_chain.Epoch + 1);
            _counter = 0;
        }

        if (_counter == 0)
        {
            _first = now;
            _store?.Invoke();
        }

        byte[] envelope = new byte[LinkLimits.EnvelopeHeaderBytes + Plaintext.PaddedLength(message.Length) + LinkLimits.TagBytes];
        Span<byte> header = envelope.AsSpan(0, LinkLimits.EnvelopeHeaderBytes);
        header[0] = (byte)MailType.Envelope;
        BinaryPrimitives.WriteUInt32BigEndian(header[1..], _chain.Epoch);
        BinaryPrimitives.WriteUInt64BigEndian(header[5..], _counter);
        Span<byte> body = envelope.AsSpan(LinkLimits.EnvelopeHeaderBytes..^LinkLimits.TagBytes);
        Plaintext.Write(message, body);
        Span<byte> nonce = stackalloc byte[12];
        SymmetricState.WriteNonce(_counter++, nonce);
        using var aes = new AesGcm(_chain.Key, LinkLimits.TagBytes);
        // In place, which AES-GCM allows: the plaintext is nowhere else.
        aes.Encrypt(nonce, body, body, envelope.AsSpan(^LinkLimits.TagBytes), header);
        return envelope;
    }

    public void Dispose() => _chain.Dispose();
}

using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Noise;

/// <summary>What a handshake is done with.</summary>
internal sealed class HandshakeKeys
{
    /// <summary>Drawn for this handshake. It is the handshake's, which disposes of it.</summary>
    public required LinkKeyPair Ephemeral { get; init; }

    public ReadOnlyMemory<byte> PreSharedKey { get; init; }

    public LinkKeyPair? Static { get; init; }

    public ReadOnlyMemory<byte> OtherStatic { get; init; }
}

/// <summary>The HandshakeState of Noise (section 5.3), driven by the tokens of its pattern.</summary>
internal sealed class HandshakeState : IDisposable
{
    private readonly HandshakePattern _pattern;
    private readonly bool _isInitiator;
    private readonly HandshakeKeys _keys;
    private SymmetricState _symmetric;
    private int _message;

    public HandshakeState(HandshakePattern pattern, bool isInitiator, ReadOnlySpan<byte> prologue, HandshakeKeys keys)
    {
        _pattern = pattern;
        _isInitiator = isInitiator;
        _keys = keys;
        _symmetric = new SymmetricState(pattern.Name);
        _symmetric.MixHash(prologue);
        if (!pattern.HasStaticKeys) return;
        ReadOnlySpan<byte> own = keys.Static!.PublicKey.Span;
        _symmetric.MixHash(isInitiator ? own : keys.OtherStatic.Span);
        _symmetric.MixHash(isInitiator ? keys.OtherStatic.Span : own);
    }

    /// <summary>The other end's ephemeral public key, when its message has been read.</summary>
    public byte[] OtherEphemeral { get; private set; } = [];

    public ReadOnlySpan<byte> EphemeralPublicKey => _keys.Ephemeral.PublicKey.Span;

    /// <summary>The hash of the whole transcript, when all messages have passed.</summary>
    public ReadOnlySpan<byte> Hash => _symmetric.Hash;

    /// <summary>Writes this end's next message.</summary>
    public byte[] Write(ReadOnlySpan<byte> payload)
    {
        // Every message of these patterns has one key, in the clear, and a payload.
        byte[] message = new byte[LinkLimits.PublicKeyBytes + payload.Length + LinkLimits.TagBytes];
        foreach (NoiseToken token in _pattern.Messages[_message++])
        {
            if (token != NoiseToken.E)
            {
                Mix(_symmetric, token);
                continue;
            }

            _keys.Ephemeral.PublicKey.Span.CopyTo(message);
            MixEphemeral(_symmetric, _keys.Ephemeral.PublicKey.Span);
        }

        _symmetric.EncryptAndHash(payload, message.AsSpan(LinkLimits.PublicKeyBytes));
        return message;
    }

    /// <summary>Reads the other end's next message. When that fails, the state is what it was: anybody can send something that does not open.</summary>
    public bool TryRead(ReadOnlySpan<byte> message, out byte[] payload)
    {
        payload = [];
        if (message.Length < LinkLimits.PublicKeyBytes + LinkLimits.TagBytes || !P256.IsPoint(message[..LinkLimits.PublicKeyBytes])) return false;
        byte[] before = OtherEphemeral;
        OtherEphemeral = message[..LinkLimits.PublicKeyBytes].ToArray();
        SymmetricState next = _symmetric.Clone();
        foreach (NoiseToken token in _pattern.Messages[_message])
        {
            if (token == NoiseToken.E) MixEphemeral(next, OtherEphemeral);
            else Mix(next, token);
        }

        ReadOnlySpan<byte> sealedPayload = message[LinkLimits.PublicKeyBytes..];
        byte[] opened = new byte[sealedPayload.Length - LinkLimits.TagBytes];
        if (!next.TryDecryptAndHash(sealedPayload, opened))
        {
            next.Dispose();
            OtherEphemeral = before;
            return false;
        }

        _symmetric.Dispose();
        _symmetric = next;
        _message++;
        payload = opened;
        return true;
    }

    /// <summary>The keys of the two directions, the initiator's first. They are the caller's, to erase.</summary>
    public (byte[] First, byte[] Second) Split() => _symmetric.Split();

    public void Dispose()
    {
        _symmetric.Dispose();
        _keys.Ephemeral.Dispose();
    }

    private void MixEphemeral(SymmetricState symmetric, ReadOnlySpan<byte> key)
    {
        symmetric.MixHash(key);
        if (_pattern.HasPreSharedKey) symmetric.MixKey(key);
    }

    private void Mix(SymmetricState symmetric, NoiseToken token)
    {
        if (token == NoiseToken.Psk)
        {
            symmetric.MixKeyAndHash(_keys.PreSharedKey.Span);
            return;
        }

        // The first letter is the initiator's key, the second the responder's.
        bool ownIsStatic = token == NoiseToken.SS || token == (_isInitiator ? NoiseToken.SE : NoiseToken.ES);
        bool otherIsStatic = token == NoiseToken.SS || token == (_isInitiator ? NoiseToken.ES : NoiseToken.SE);
        Span<byte> secret = stackalloc byte[LinkLimits.KeyBytes];
        P256.Agree(ownIsStatic ? _keys.Static! : _keys.Ephemeral, otherIsStatic ? _keys.OtherStatic.Span : OtherEphemeral, secret);
        symmetric.MixKey(secret);
        CryptographicOperations.ZeroMemory(secret);
    }
}

namespace Tandem.Link.Noise;

/// <summary>What a message of a handshake does, in order (Noise, section 7).</summary>
internal enum NoiseToken
{
    Psk,
    E,
    EE,
    ES,
    SE,
    SS,
}

/// <summary>A handshake as data (Noise, sections 7 and 9): the state machine runs its tokens.</summary>
internal sealed class HandshakePattern
{
    /// <summary>Nobody is known; what the ends share is the pre-shared key.</summary>
    public static readonly HandshakePattern NNpsk0 = new("Noise_NNpsk0_P256_AESGCM_SHA256", [[NoiseToken.Psk, NoiseToken.E], [NoiseToken.E, NoiseToken.EE]]);

    /// <summary>Each knows the other's static key: its pre-messages are "-> s" and "&lt;- s".</summary>
    public static readonly HandshakePattern KK =
        new("Noise_KK_P256_AESGCM_SHA256", [[NoiseToken.E, NoiseToken.ES, NoiseToken.SS], [NoiseToken.E, NoiseToken.EE, NoiseToken.SE]], hasStaticKeys: true);

    private HandshakePattern(string name, NoiseToken[][] messages, bool hasStaticKeys = false)
    {
        Name = name;
        Messages = messages;
        HasStaticKeys = hasStaticKeys;
        HasPreSharedKey = messages[0].Contains(NoiseToken.Psk);
    }

    public string Name { get; }

    /// <summary>The messages in turn, the initiator's first.</summary>
    public NoiseToken[][] Messages { get; }

    public bool HasStaticKeys { get; }

    /// <summary>Then an ephemeral public key is also mixed into the key (section 9.2).</summary>
    public bool HasPreSharedKey { get; }
}

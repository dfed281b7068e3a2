namespace Tandem.Coap;

/// <summary>
/// The timers of transmission (RFC 7252 section 4.8). The defaults are the RFC's. Both ends should have the same ones: a receiver forgets message IDs after
/// <see cref="ExchangeLifetime"/>, which a sender with longer timers would outlast.
/// </summary>
public sealed class CoapTransmissionOptions
{
    /// <summary>ACK_TIMEOUT: the least time to the first retransmission. Default 2 s, above nearly every round trip; more than 0.</summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>ACK_RANDOM_FACTOR: the first wait is random between ACK_TIMEOUT and so many times of it, so that what was lost together does not come back together. Default 1.5; 1 to 10.</summary>
    public double AckRandomFactor { get; init; } = 1.5;

    /// <summary>MAX_RETRANSMIT: how often a message is sent again, with twice the wait each time, before it is given up. Default 4; 0 to 20.</summary>
    public int MaxRetransmit { get; init; } = 4;

    /// <summary>
    /// NSTART: how many confirmable messages to one address may wait for their acknowledgement at a time. Default 1, which keeps the order of messages also when some
    /// are lost; with more, those may overtake each other. 1 to 64.
    /// </summary>
    public int NStart { get; init; } = 1;

    /// <summary>MAX_LATENCY: how long a datagram may be under way. Default 100 s; more than 0.</summary>
    public TimeSpan MaxLatency { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// How long a confirmable request may be worked at before it is acknowledged without its response, which then follows as a message of its own (section 5.2.2). Default
    /// 1 s: soon enough that a client with the RFC's timers does not repeat it, late enough that most responses save a message. More than 0, below <see cref="AckTimeout"/>.
    /// </summary>
    public TimeSpan AckDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a client waits for the response after its request was acknowledged, or was sent as non-confirmable. The RFC leaves it to the application. Default 60 s; more than 0.
    /// </summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>MAX_TRANSMIT_SPAN: from the first transmission to the last. 45 s by default.</summary>
    public TimeSpan MaxTransmitSpan => AckTimeout * ((1 << MaxRetransmit) - 1) * AckRandomFactor;

    /// <summary>MAX_TRANSMIT_WAIT: from the first transmission to giving up. 93 s by default.</summary>
    public TimeSpan MaxTransmitWait => AckTimeout * ((2 << MaxRetransmit) - 1) * AckRandomFactor;

    /// <summary>EXCHANGE_LIFETIME: how long the message ID of a confirmable message is not used again, and is remembered by its receiver. 247 s by default. PROCESSING_DELAY in it is ACK_TIMEOUT.</summary>
    public TimeSpan ExchangeLifetime => MaxTransmitSpan + (2 * MaxLatency) + AckTimeout;

    /// <summary>NON_LIFETIME: the same of a non-confirmable message. 145 s by default.</summary>
    public TimeSpan NonLifetime => MaxTransmitSpan + MaxLatency;

    internal void Validate()
    {
        Require.That(AckTimeout > TimeSpan.Zero, nameof(AckTimeout), "must be positive");
        Require.That(AckRandomFactor is >= 1 and <= 10, nameof(AckRandomFactor), "must be 1 to 10");
        Require.That(MaxRetransmit is >= 0 and <= 20, nameof(MaxRetransmit), "must be 0 to 20");
        Require.That(NStart is >= 1 and <= 64, nameof(NStart), "must be 1 to 64");
        Require.That(MaxLatency > TimeSpan.Zero, nameof(MaxLatency), "must be positive");
        Require.That(AckDelay > TimeSpan.Zero && AckDelay < AckTimeout, nameof(AckDelay), "must be positive and below AckTimeout");
        Require.That(ResponseTimeout > TimeSpan.Zero, nameof(ResponseTimeout), "must be positive");
    }
}

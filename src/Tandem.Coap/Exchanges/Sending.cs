namespace Tandem.Coap.Exchanges;

/// <summary>What a message that is sent is for.</summary>
internal enum SendingKind : byte
{
    /// <summary>A request; a response is awaited.</summary>
    Request,

    /// <summary>A request that registers an observation (RFC 7641): responses are awaited until it is cancelled.</summary>
    Observe,

    /// <summary>A separate response, or a notification.</summary>
    Response,
}

/// <summary>Where a message that is sent is.</summary>
internal enum SendingState : byte
{
    /// <summary>NSTART others are before it.</summary>
    Waiting,

    /// <summary>It is repeated until it is acknowledged.</summary>
    Transmitting,

    /// <summary>It has arrived, or was sent as non-confirmable; its response has not come.</summary>
    AwaitingResponse,

    /// <summary>Responses come as long as the other end likes.</summary>
    Observing,

    /// <summary>Nothing more is expected.</summary>
    Done,
}

/// <summary>A message of this end, from when it is to be sent until nothing more is expected of it.</summary>
internal sealed class Sending(Peer peer, CoapMessage message, SendingKind kind, object? owner) : Timed
{
    public Peer Peer => peer;

    /// <summary>Its content. The message ID in it says nothing: <see cref="MessageId"/> does.</summary>
    public CoapMessage Message => message;

    public SendingKind Kind => kind;

    /// <summary>Whose it is: told with every event.</summary>
    public object? Owner => owner;

    public SendingState State { get; set; }

    public bool IsConfirmable => message.Type == CoapType.Confirmable;

    public ushort MessageId { get; set; }

    public byte[] Datagram { get; set; } = [];

    /// <summary>How often it was repeated.</summary>
    public int Retransmissions { get; set; }

    /// <summary>The wait for its acknowledgement; twice as long each time.</summary>
    public TimeSpan Timeout { get; set; }
}

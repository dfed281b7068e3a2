namespace Tandem.WebSockets;

/// <summary>A path and what serves it.</summary>
/// <param name="path">The path, as a client spells it: compared byte by byte, without decoding and with its case.</param>
/// <param name="handler">What serves it.</param>
public sealed class WebSocketRoute(string path, WebSocketHandler handler)
{
    /// <summary>Most bytes of a message that is delivered whole: an array cannot be much larger.</summary>
    internal const int MaxWholeMessageSize = 1 << 30;

    private readonly byte[] _pathBytes = System.Text.Encoding.UTF8.GetBytes(path);

    /// <summary>The path.</summary>
    public string Path { get; } = path;

    /// <summary>What serves it.</summary>
    public WebSocketHandler Handler { get; } = handler;

    /// <summary>The subprotocols that it speaks: of those the client's favourite is chosen, or none when it offers none of them. Default: none.</summary>
    public IReadOnlyList<string> Subprotocols
    {
        get => SubprotocolArray;
        init => SubprotocolArray = [.. value];
    }

    /// <summary>
    /// Messages of more bytes than this are not gathered: they come to <see cref="WebSocketHandler.OnMessagePart"/> in parts, as they arrive,
    /// and a connection never holds more than this of them, however large they are. Smaller ones come whole. 0 to 1 GiB. Default null: all
    /// messages come whole.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int? StreamMessagesAbove
    {
        get;
        init
        {
            if (value is not null)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(value.Value, nameof(StreamMessagesAbove));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Value, MaxWholeMessageSize, nameof(StreamMessagesAbove));
            }

            field = value;
        }
    }

    /// <summary>
    /// Most bytes in a message; a larger one closes its connection with 1009. Where messages come whole at most 1 GiB, and where
    /// <see cref="StreamMessagesAbove"/> is set without bound, since nobody gathers them. Default null:
    /// <see cref="WebSocketServerOptions.MaxMessageSize"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxMessageSize
    {
        get;
        init
        {
            if (value is not null) ArgumentOutOfRangeException.ThrowIfNegative(value.Value, nameof(MaxMessageSize));
            field = value;
        }
    }

    /// <summary>Which pages may connect to this route. Default null: what <see cref="WebSocketServerOptions.Origins"/> says.</summary>
    public OriginPolicy? Origins { get; init; }

    internal string[] SubprotocolArray { get; private init; } = [];

    internal bool Matches(ReadOnlySpan<byte> path) => path.SequenceEqual(_pathBytes);
}

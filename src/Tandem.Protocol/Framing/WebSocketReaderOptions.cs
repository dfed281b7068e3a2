namespace Tandem.Protocol.Framing;

/// <summary>What a <see cref="WebSocketReader"/> accepts. Immutable, and shared by all connections that it is the same for.</summary>
public sealed class WebSocketReaderOptions
{
    /// <summary>Default of <see cref="MaxMessageSize"/>: 16 MiB, enough for a photo, and small enough that a thousand of them fit in a server.</summary>
    public const int DefaultMaxMessageSize = 16 * 1024 * 1024;

    /// <summary>
    /// Default of <see cref="MaxFragments"/>: 131,072, which lets through what conformance suites send, a message of 64 KiB in fragments of one byte.
    /// </summary>
    public const int DefaultMaxFragments = 128 * 1024;

    /// <summary>Which end this is: a server requires masked frames, a client refuses them (RFC 6455 section 5.1). Default: server.</summary>
    public WebSocketRole Role { get; init; } = WebSocketRole.Server;

    /// <summary>Most bytes of payload in one message, all fragments together and decompressed. Default 16 MiB. Refused with 1009 as soon as a header
    /// announces more; a compressed message when the first byte too many comes out of it.</summary>
    public long MaxMessageSize { get; init; } = DefaultMaxMessageSize;

    // What a message of the largest size can take compressed: DEFLATE lets incompressible data grow, and so do flushes between its fragments.
    internal long MaxCompressedSize => MaxMessageSize > long.MaxValue / 2 ? long.MaxValue : MaxMessageSize + (MaxMessageSize / 8) + 1024;

    /// <summary>Most bytes of payload in one data frame. Default: no limit of its own, <see cref="MaxMessageSize"/> governs.</summary>
    public long MaxFrameSize { get; init; } = long.MaxValue;

    /// <summary>
    /// Most frames in one message, since each costs its reader work whatever its size; one more is refused with 1008. Default:
    /// <see cref="DefaultMaxFragments"/>.
    /// </summary>
    public int MaxFragments { get; init; } = DefaultMaxFragments;
}

namespace Tandem.Protocol.Compression;

/// <summary>The four parameters of permessage-deflate (RFC 7692 section 7.1) as two ends have agreed on them.</summary>
/// <param name="ServerNoContextTakeover">The server forgets its window after every message.</param>
/// <param name="ClientNoContextTakeover">The client forgets its window after every message.</param>
/// <param name="ServerMaxWindowBits">The server's LZ77 window, 8 to 15: 2 to that power of bytes.</param>
/// <param name="ClientMaxWindowBits">The client's LZ77 window, 8 to 15.</param>
public readonly record struct DeflateParameters(
    bool ServerNoContextTakeover, bool ClientNoContextTakeover, int ServerMaxWindowBits, int ClientMaxWindowBits)
{
    /// <summary>The smallest window: 256 bytes.</summary>
    public const int MinWindowBits = 8;

    /// <summary>The largest window, and the one where nothing is said: 32 KiB.</summary>
    public const int MaxWindowBits = 15;
}

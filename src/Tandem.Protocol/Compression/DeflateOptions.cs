namespace Tandem.Protocol.Compression;

/// <summary>How an end compresses, and what it offers or grants in the negotiation of permessage-deflate (RFC 7692 section 7.1).</summary>
public sealed record DeflateOptions
{
    /// <summary>1 (fast) to 9 (small). Default 1: messages are small, and what a higher level saves on the wire it costs several times over in time.</summary>
    public int Level { get; init; } = 1;

    /// <summary>1 to 9: memory for what waits to be encoded, 5 times 2 to the power of this + 6 bytes. Default 8, zlib's own: 80 KiB.</summary>
    public int MemoryLevel { get; init; } = 8;

    /// <summary>Messages shorter than this many bytes go uncompressed: there is nothing to win. Default 64.</summary>
    public int MinimumSize { get; init; } = 64;

    /// <summary>Largest window for what the server sends, 8 to 15. Default 15: 32 KiB.</summary>
    public int ServerMaxWindowBits { get; init; } = DeflateParameters.MaxWindowBits;

    /// <summary>Largest window for what the client sends, 8 to 15, as far as the other end lets itself be limited. Default 15: 32 KiB.</summary>
    public int ClientMaxWindowBits { get; init; } = DeflateParameters.MaxWindowBits;

    /// <summary>The server forgets its window after every message: no memory between messages, less compression. Default: it does not.</summary>
    public bool ServerNoContextTakeover { get; init; }

    /// <summary>The client is asked to forget its window after every message. Default: it is not.</summary>
    public bool ClientNoContextTakeover { get; init; }

    /// <summary>Checks all ranges.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public void Validate()
    {
        Check(Level is >= 1 and <= 9, nameof(Level), "must be 1 to 9");
        Check(MemoryLevel is >= 1 and <= 9, nameof(MemoryLevel), "must be 1 to 9");
        Check(MinimumSize >= 0, nameof(MinimumSize), "must not be negative");
        Check(ServerMaxWindowBits is >= 8 and <= 15, nameof(ServerMaxWindowBits), "must be 8 to 15");
        Check(ClientMaxWindowBits is >= 8 and <= 15, nameof(ClientMaxWindowBits), "must be 8 to 15");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"DeflateOptions.{name} {rule}.");
    }
}

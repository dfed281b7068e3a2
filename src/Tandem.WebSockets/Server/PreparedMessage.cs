using System.Net.WebSockets;
using Tandem.Protocol.Compression;

namespace Tandem.WebSockets;

/// <summary>
/// A message for many peers: it is made once and compressed once for all of them that may use the same window, and sending it allocates nothing.
/// Immutable for those who use it; safe for use by many threads.
/// </summary>
/// <remarks>
/// Its compressed form refers to nothing but itself, so every peer can read it whose window is as large. A peer that is sent one and keeps its context
/// between messages begins anew with the next message that is compressed for it alone: what its window would hold differs from what the other
/// end's holds. The other way, compressing for each, is what is to be avoided here, and sending it uncompressed to those who keep contexts would
/// make the default of browsers the worst case. So whose connections are mostly sent prepared messages lose nothing and hold no compressor either.
/// </remarks>
public sealed class PreparedMessage
{
    // What compressing has shown not to be worth while.
    private static readonly byte[] AsItIs = [];

    private readonly ReadOnlyMemory<byte> _payload;
    // By bits of window, from 8 upward.
    private readonly byte[]?[] _compressed = new byte[]?[DeflateParameters.MaxWindowBits - DeflateParameters.MinWindowBits + 1];

    /// <summary>Prepares a message.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The message; text must be UTF-8. It is not copied and must not change any more.</param>
    /// <exception cref="ArgumentException">The type is neither text nor binary.</exception>
    public PreparedMessage(WebSocketMessageType type, ReadOnlyMemory<byte> payload)
    {
        if (type is not (WebSocketMessageType.Text or WebSocketMessageType.Binary)) throw new ArgumentException("Text or binary.", nameof(type));
        Type = type;
        _payload = payload;
    }

    /// <summary>Text or binary.</summary>
    public WebSocketMessageType Type { get; }

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Payload => _payload;

    /// <summary>The payload as it goes to a peer with permessage-deflate.</summary>
    /// <param name="deflate">The peer's.</param>
    /// <param name="payload">Compressed, or as it is.</param>
    /// <returns>Whether it is compressed. Then the peer's own compressor has forgotten what came before.</returns>
    internal bool TryGetCompressed(OutboundDeflate deflate, out ReadOnlySpan<byte> payload)
    {
        payload = _payload.Span;
        if (_payload.Length < deflate.MinimumSize) return false;
        ref byte[]? form = ref _compressed[deflate.WindowBits - DeflateParameters.MinWindowBits];
        byte[] compressed = Volatile.Read(ref form) ?? Compress(deflate, ref form);
        if (compressed.Length == 0) return false;
        deflate.Forget();
        payload = compressed;
        return true;
    }

    private byte[] Compress(OutboundDeflate deflate, ref byte[]? form)
    {
        // Loops that come at the same time wait for the first: that takes no longer than doing it themselves.
        lock (_compressed)
        {
            if (form is not null) return form;
            byte[] made = deflate.TryCompressAlone(_payload.Span, out ReadOnlySpan<byte> compressed) ? compressed.ToArray() : AsItIs;
            Volatile.Write(ref form, made);
            return made;
        }
    }
}

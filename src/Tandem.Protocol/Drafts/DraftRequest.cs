using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Drafts;

/// <summary>Which draft a request is of. A draft is told by fields that no other has; what is wrong with them is judged later.</summary>
internal static class DraftRequest
{
    /// <summary>The draft of a request that is not of RFC 6455.</summary>
    /// <param name="head">The request.</param>
    /// <param name="spoken">The drafts that the server speaks.</param>
    /// <returns>One of these, or <see cref="WebSocketDrafts.None"/>.</returns>
    public static WebSocketDrafts Find(in HttpHead head, WebSocketDrafts spoken) => Find(in head) & spoken;

    private static WebSocketDrafts Find(in HttpHead head)
    {
        if (!head.ListContains("Upgrade"u8, "websocket"u8)) return WebSocketDrafts.None;
        switch (head.TryGetSingle("Sec-WebSocket-Version"u8, out ReadOnlySpan<byte> version))
        {
            case 0:
                break;
            case 1:
                return version.SequenceEqual("8"u8) ? WebSocketDrafts.Hybi08 : version.SequenceEqual("7"u8) ? WebSocketDrafts.Hybi07 : WebSocketDrafts.None;
            default:
                return WebSocketDrafts.None;
        }

        // hybi-01 to -03 had the handshake of hixie-76, a number in Sec-WebSocket-Draft, and other frames.
        if (head.Find("Sec-WebSocket-Draft"u8) >= 0) return WebSocketDrafts.None;
        if (head.Find("Sec-WebSocket-Key1"u8) >= 0 || head.Find("Sec-WebSocket-Key2"u8) >= 0) return WebSocketDrafts.Hixie76;
        // A key of RFC 6455 without a version is a mistake in a handshake of RFC 6455, and not hixie-75, which proves nothing.
        return head.Find("Sec-WebSocket-Key"u8) >= 0 ? WebSocketDrafts.None : WebSocketDrafts.Hixie75;
    }
}

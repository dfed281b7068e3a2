using System.Collections.Concurrent;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>
/// Who watches which connection. A page opens <c>/wire?id=ID</c> first and then <c>/chat?id=ID</c>: the first one is told what
/// happens on the wire of the second, which the page's own script cannot see (the key of the handshake, masking keys, the answer that its
/// browser refused). The id is the page's own random choice, so nobody can watch a connection that was not opened to be watched.
/// </summary>
internal sealed class WireObservers
{
    /// <summary>More than a classroom; above it further pages do without.</summary>
    public const int MaxObservers = 1024;

    private const int MinIdLength = 16; // shorter ids could be guessed
    private const int MaxIdLength = 64;

    private readonly ConcurrentDictionary<string, WebSocketPeer> _observers = new(StringComparer.Ordinal);

    /// <summary>The serving side of <c>/wire</c>.</summary>
    public WebSocketHandler Handler => new ObserverHandler(this);

    /// <summary>Finds who watches an id.</summary>
    /// <param name="id">The id of the query; may be null.</param>
    /// <returns>The observer, or null.</returns>
    public WebSocketPeer? Find(string? id) => id is not null && _observers.TryGetValue(id, out WebSocketPeer? observer) ? observer : null;

    private sealed class ObserverHandler(WireObservers owner) : WebSocketHandler
    {
        public override void OnUpgrade(in Protocol.Handshake.UpgradeRequest request, UpgradeContext context)
        {
            string? id = request.GetQuery("id");
            if (id is null || id.Length is < MinIdLength or > MaxIdLength || owner._observers.Count >= MaxObservers || owner._observers.ContainsKey(id)) context.Refuse();
            else context.State = id;
        }

        public override void OnOpen(WebSocketPeer peer)
        {
            if (!owner._observers.TryAdd((string)peer.State!, peer)) peer.Close(WebSocketCloseStatus.PolicyViolation, "this id is being watched already");
        }

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) =>
            peer.Close(WebSocketCloseStatus.PolicyViolation, "an observer only listens");

        public override void OnClose(WebSocketPeer peer, in CloseCause cause) =>
            owner._observers.TryRemove(new KeyValuePair<string, WebSocketPeer>((string)peer.State!, peer));
    }
}

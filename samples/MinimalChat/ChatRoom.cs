using System.Collections.Concurrent;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace MinimalChat;

/// <summary>Sends every text to everybody. Connections live on several loops, and a peer may be sent to from any thread.</summary>
internal sealed class ChatRoom : WebSocketHandler
{
    private readonly ConcurrentDictionary<WebSocketPeer, bool> _members = new();

    public override void OnOpen(WebSocketPeer peer) => _members[peer] = true;

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        if (type != WebSocketMessageType.Text) return;
        foreach ((WebSocketPeer member, _) in _members) member.Send(type, payload);
    }

    public override void OnClose(WebSocketPeer peer, in CloseCause cause) => _members.TryRemove(peer, out _);
}

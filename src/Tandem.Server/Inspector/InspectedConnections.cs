using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.WebSockets;

namespace Tandem.Server.Inspector;

/// <summary>
/// Numbers for connections that were shown, by which they can be named in a request. Only who was looked at has one, and it ends with its connection: it costs
/// the others nothing, and never comes to mean another one.
/// </summary>
internal sealed class InspectedConnections
{
    private readonly ConditionalWeakTable<WebSocketPeer, StrongBox<long>> _numbers = [];
    private long _last;

    public long NumberOf(WebSocketPeer peer) => _numbers.GetValue(peer, _ => new StrongBox<long>(Interlocked.Increment(ref _last))).Value;

    /// <summary>Closes one.</summary>
    /// <returns>False: it is not there, or closing already.</returns>
    public bool TryClose(long number, WebSocketCloseStatus status, string reason)
    {
        foreach ((WebSocketPeer peer, StrongBox<long> known) in _numbers)
        {
            if (known.Value != number) continue;
            if (peer.ConnectionState != WebSocketState.Open) return false;
            peer.Close(status, reason);
            return true;
        }

        return false;
    }
}

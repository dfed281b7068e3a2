using System.Collections.Concurrent;
using System.Net.WebSockets;

namespace Tandem.Bench.Kestrel;

/// <summary>The baseline for a broadcast: whoever sends has it sent to all, one after the other, as System.Net.WebSockets is used for it.</summary>
internal sealed class Broadcast
{
    private readonly ConcurrentDictionary<WebSocket, SemaphoreSlim> _members = [];

    public async Task ServeAsync(WebSocket webSocket, byte[] buffer, CancellationToken cancellation)
    {
        // A WebSocket takes one send at a time.
        using var gate = new SemaphoreSlim(1);
        _members[webSocket] = gate;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult received = await webSocket.ReceiveAsync(buffer.AsMemory(), cancellation);
                if (received.MessageType == WebSocketMessageType.Close) return;
                foreach ((WebSocket member, SemaphoreSlim memberGate) in _members) await SendAsync(member, memberGate, buffer.AsMemory(0, received.Count), received);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client has gone without a closing handshake.
        }
        finally
        {
            _members.TryRemove(webSocket, out _);
        }
    }

    private static async ValueTask SendAsync(WebSocket member, SemaphoreSlim gate, ReadOnlyMemory<byte> message, ValueWebSocketReceiveResult received)
    {
        try
        {
            await gate.WaitAsync();
            try
            {
                await member.SendAsync(message, received.MessageType, received.EndOfMessage, CancellationToken.None);
            }
            finally
            {
                gate.Release();
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A member that is going; its own loop sees to it.
        }
    }
}

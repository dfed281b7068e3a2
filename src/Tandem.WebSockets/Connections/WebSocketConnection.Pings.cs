using System.Net.WebSockets;
using System.Security.Cryptography;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Connections;

namespace Tandem.WebSockets;

/// <content>The application's own pings; those of keep-alive are apart.</content>
public sealed partial class WebSocketConnection
{
    /// <summary>Most pings that may wait for their pongs at once; a further one is refused.</summary>
    public const int MaxPendingPings = 64;

    private const int OwnPayloadLength = 8;

    /// <summary>
    /// Sends a ping behind what was sent before it, and waits for its pong (RFC 6455 sections 5.5.2 and 5.5.3): it measures the way there and
    /// back, and tells that the peer has received everything up to here. A pong for a later ping answers this one too.
    /// </summary>
    /// <param name="payload">
    /// At most 125 bytes, not those of a ping that is still waiting; they are copied. Empty, the default: eight random bytes, so that no
    /// other ping has them and the peer cannot answer before it is asked.
    /// </param>
    /// <param name="cancellationToken">Stops waiting; the connection goes on, and the ping may still be sent.</param>
    /// <returns>The time from handing the ping to the stream until its pong was received.</returns>
    /// <remarks>
    /// Pongs are received where messages are: only while a receive is pending. Without one this waits until there is one, and what it measures
    /// includes that wait. Await it with a deadline.
    /// </remarks>
    /// <exception cref="ArgumentException">The payload is too long. Thrown by the call itself.</exception>
    /// <exception cref="InvalidOperationException">A ping with this payload is waiting, or <see cref="MaxPendingPings"/> are.</exception>
    /// <exception cref="WebSocketException">
    /// InvalidState: not open. ConnectionClosedPrematurely, Faulted: the connection ended, or the peer closed, before the pong came.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the connection was aborted.</exception>
    public Task<TimeSpan> PingAsync(ReadOnlyMemory<byte> payload = default, CancellationToken cancellationToken = default)
    {
        if (payload.Length > FrameHeader.MaxControlPayload)
        {
            throw new ArgumentException("RFC 6455 section 5.5: a ping has at most 125 bytes of payload.", nameof(payload));
        }

        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled<TimeSpan>(cancellationToken);
        var ping = new PendingPing(payload.IsEmpty ? RandomNumberGenerator.GetBytes(OwnPayloadLength) : payload.ToArray());
        lock (_gate)
        {
            if (_phase != WebSocketState.Open) return Task.FromException<TimeSpan>(InvalidState("pinging"));
            _pings ??= new PendingPings(_options.TimeProvider);
            if (_pings.Count >= MaxPendingPings) return Refused($"{MaxPendingPings} pings are waiting for their pongs already.");
            if (_pings.Contains(ping.Payload)) return Refused("A ping with this payload is waiting for its pong already.");
            _pings.Add(ping);
            _sender.Queue.EnqueuePing(ping, _pings);
        }

        return PingCoreAsync(ping, cancellationToken);

        static Task<TimeSpan> Refused(string why) => Task.FromException<TimeSpan>(new InvalidOperationException(why));
    }

    private async Task<TimeSpan> PingCoreAsync(PendingPing ping, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((PendingPing)state!).TrySetCanceled(token), ping);
        _sender.Start();
        try
        {
            return await ping.Task.ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _pings!.Leave(ping);
        }
    }

    private void OnPong(ReadOnlySpan<byte> payload)
    {
        lock (_gate) _pings?.OnPong(payload);
    }
}

using System.Net;
using System.Net.Sockets;

namespace Tandem.Coap.Tests.Support;

/// <summary>Stands between one client and a server, and loses, doubles and holds back datagrams of both, as its seed says.</summary>
internal sealed class LossyProxy : IAsyncDisposable
{
    private readonly Socket _front = Bind();
    private readonly Socket _back = Bind();
    private readonly CancellationTokenSource _stopping = new();
    private readonly IPEndPoint _server;
    private readonly Task _running;
    private EndPoint? _client;
    private long _lost, _doubled, _held;

    public LossyProxy(IPEndPoint server, int seed, int lossPercent = 20, int otherPercent = 10)
    {
        _server = server;
        _running = Task.WhenAll(
            RunAsync(_front, _back, () => _server, new Random(seed), lossPercent, otherPercent, rememberSource: true),
            RunAsync(_back, _front, () => _client, new Random(seed + 1), lossPercent, otherPercent, rememberSource: false));
    }

    public IPEndPoint EndPoint => (IPEndPoint)_front.LocalEndPoint!;

    public (long Lost, long Doubled, long Held) Counts => (Interlocked.Read(ref _lost), Interlocked.Read(ref _doubled), Interlocked.Read(ref _held));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _front.Dispose();
        _back.Dispose();
        _stopping.Dispose();
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task RunAsync(Socket from, Socket by, Func<EndPoint?> to, Random random, int lossPercent, int otherPercent, bool rememberSource)
    {
        byte[] buffer = new byte[2048];
        byte[]? held = null;
        while (true)
        {
            SocketReceiveFromResult received = await from.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
            if (rememberSource) _client = received.RemoteEndPoint;
            if (to() is not { } target) continue;
            if (random.Next(100) < lossPercent)
            {
                Interlocked.Increment(ref _lost);
                continue;
            }

            byte[] datagram = buffer[..received.ReceivedBytes];
            if (held is null && random.Next(100) < otherPercent)
            {
                // It goes behind the next one.
                Interlocked.Increment(ref _held);
                held = datagram;
                continue;
            }

            int copies = random.Next(100) < otherPercent ? 2 : 1;
            if (copies == 2) Interlocked.Increment(ref _doubled);
            for (; copies > 0; copies--) await by.SendToAsync(datagram, SocketFlags.None, target);
            if (held is null) continue;
            await by.SendToAsync(held, SocketFlags.None, target);
            held = null;
        }
    }
}

using System.Net.Sockets;
using System.Net.WebSockets;

namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>A message that is waited for costs no allocation either: neither the wait, nor the thread that ends it.</summary>
[Collection(nameof(Alone))]
public sealed class SocketStreamAllocationTests
{
    // Messages in a row.
    private const int Wanted = 200;

    // What this thread had allocated when it last came to the end of a message; 0 before its first.
    [ThreadStatic]
    private static long t_allocated;

    private int _most;

    [Fact]
    public async Task An_echo_that_waits_for_each_message_costs_no_allocation()
    {
#if DEBUG
        Assert.Skip("In a debug build every asynchronous method allocates: its state is a class.");
#endif
        using SocketPair pair = await SocketPair.CreateAsync();
        using var connection = new WebSocketConnection(pair.Stream, new WebSocketConnectionOptions());
        Task echo = EchoAsync(connection);
        // On a thread of its own, so that the pool has nothing else to do.
        await Task.Factory.StartNew(() => Talk(pair.Peer), default, TaskCreationOptions.LongRunning, TaskScheduler.Default).InTime();
        Assert.True(_most >= Wanted, $"{_most} messages in a row without allocation at most");
        pair.Peer.Dispose();
        await Assert.ThrowsAsync<WebSocketException>(() => echo.InTime());
    }

    private void Talk(Socket peer)
    {
        byte[] frame = Wire.Binary(new byte[20]);
        byte[] answer = new byte[22];
        peer.ReceiveTimeout = (int)Eventually.Deadline.TotalMilliseconds;
        for (int i = 0; i < 100_000 && Volatile.Read(ref _most) < Wanted; i++)
        {
            peer.Send(frame);
            for (int at = 0; at < answer.Length;) at += peer.Receive(answer.AsSpan(at));
        }
    }

    private async Task EchoAsync(WebSocketConnection connection)
    {
        byte[] buffer = new byte[100];
        int free = 0;
        while (true)
        {
            ValueWebSocketReceiveResult result = await connection.ReceiveAsync(buffer.AsMemory(), default).ConfigureAwait(false);
            await connection.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, true, default).ConfigureAwait(false);
            long now = GC.GetAllocatedBytesForCurrentThread();
            // Which thread of the pool a message comes to is the system's choice. Of its first message on a thread nothing can be said.
            if (now == t_allocated) free++;
            else if (t_allocated != 0) free = 0;
            t_allocated = now;
            if (free > _most) Volatile.Write(ref _most, free);
        }
    }
}

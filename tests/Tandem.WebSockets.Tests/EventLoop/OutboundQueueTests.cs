using System.Net;
using System.Net.Sockets;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Tests.EventLoop;

/// <summary>The queue of bytes on their way out, over a pair of sockets, against a naive list of all bytes that were put in.</summary>
public sealed class OutboundQueueTests
{
    [Theory]
    [InlineData(1, 4096)]
    [InlineData(2, 16 * 1024)]
    [InlineData(3, 1 << 20)]
    [InlineData(4, 4096)]
    public void Random_operations_deliver_exactly_what_a_naive_list_holds(int seed, int socketBuffer)
    {
        var random = new Random(seed);
        (Socket sender, Socket receiver) = Pair(socketBuffer);
        using Socket disposed = sender;
        using Socket disposedToo = receiver;
        var pool = new SegmentPool();
        var queue = default(OutboundQueue);
        var twin = new List<byte>();
        var received = new List<byte>();
        byte[] chunk = new byte[300_000];
        int blocked = 0;
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = Wire.Noise(random.Next(20) switch { 0 => random.Next(200_000), < 5 => random.Next(20_000), _ => random.Next(300) }, i);
            bool large = random.Next(2) == 0;
            int before = queue.Bytes;
            switch (random.Next(5))
            {
                case 0 when bytes.Length <= Segment.LargeSize:
                    Span<byte> room = queue.Reserve(bytes.Length, pool, large);
                    Assert.True(room.Length >= bytes.Length);
                    bytes.CopyTo(room);
                    queue.Commit(bytes.Length);
                    twin.AddRange(bytes);
                    Assert.Equal(before + bytes.Length, queue.Bytes);
                    break;
                case 1:
                    queue.Append(bytes, pool, large);
                    twin.AddRange(bytes);
                    Assert.Equal(before + bytes.Length, queue.Bytes);
                    break;
                case 2:
                    FlushResult result = queue.Flush((int)sender.Handle, pool, bytes, out int sent);
                    twin.AddRange(bytes);
                    Assert.True(result == FlushResult.Done ? sent == bytes.Length && queue.Bytes == 0 : sent < bytes.Length || queue.Bytes > 0);
                    Assert.True(sent == 0 || queue.Bytes == 0); // never before what was there
                    queue.Append(bytes.AsSpan(sent), pool, large);
                    break;
                case 3:
                    if (queue.Flush((int)sender.Handle, pool) == FlushResult.Blocked) blocked++;
                    else Assert.Equal(0, queue.Bytes);
                    break;
                default:
                    if (receiver.Available > 0) received.AddRange(chunk.AsSpan(0, receiver.Receive(chunk, random.Next(1, chunk.Length), SocketFlags.None)));
                    break;
            }
        }

        while (received.Count < twin.Count)
        {
            Assert.NotEqual(FlushResult.Failed, queue.Flush((int)sender.Handle, pool));
            received.AddRange(chunk.AsSpan(0, receiver.Receive(chunk)));
        }

        Assert.Equal(0, queue.Bytes);
        Assert.True(twin.SequenceEqual(received));
        Assert.True(blocked > 0 || socketBuffer >= 1 << 20, "The test never filled the socket.");
    }

    [Fact]
    public void Clear_forgets_everything()
    {
        var pool = new SegmentPool();
        var queue = default(OutboundQueue);
        queue.Append(new byte[500_000], pool, large: true);
        queue.Append(new byte[5], pool, large: false);
        queue.Clear(pool);
        Assert.Equal(0, queue.Bytes);
        queue.Append(new byte[7], pool, large: false);
        Assert.Equal(7, queue.Bytes);
    }

    [Fact]
    public void A_transport_that_is_gone_is_told()
    {
        (Socket sender, Socket receiver) = Pair(4096);
        using Socket disposed = sender;
        receiver.LingerState = new LingerOption(true, 0);
        receiver.Dispose();
        Assert.True(sender.Poll(Eventually.Deadline, SelectMode.SelectRead));
        var pool = new SegmentPool();
        var queue = default(OutboundQueue);
        queue.Append(new byte[10], pool, large: false);
        Assert.Equal(FlushResult.Failed, queue.Flush((int)sender.Handle, pool));
    }

    private static (Socket Sender, Socket Receiver) Pair(int buffer)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.ReceiveBufferSize = buffer; // the accepted one inherits it
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { SendBufferSize = buffer };
        sender.Connect(listener.LocalEndPoint!);
        Socket receiver = listener.Accept();
        receiver.ReceiveTimeout = (int)Eventually.Deadline.TotalMilliseconds;
        // Blocking = false of .NET is a promise of its own; the kernel learns of it with the first asynchronous call.
        sender.Blocking = false;
        _ = sender.ReceiveAsync(new byte[1]);
        return (sender, receiver);
    }
}

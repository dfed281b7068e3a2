using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>A message of 256 MiB through an echo that streams: no memory grows with it, on either side of the handler.</summary>
[Collection(nameof(Alone))]
public sealed class StreamedMemoryTests
{
    private const int Chunk = 1 << 20;
    private const int Chunks = 256;

    [Theory]
    [InlineData(Driver.Loops)]
    [InlineData(Driver.Streams)]
    public async Task A_quarter_of_a_gigabyte_is_echoed_in_bounded_memory_without_an_allocation_for_a_part(Driver driver)
    {
        int parts = 0;
        int most = 0;
        long allocated = 0;
        long last = 0;
        var handler = new Streaming((peer, type, part, endOfMessage) =>
        {
            if (++parts == 20) allocated = -GC.GetAllocatedBytesForCurrentThread();
            peer.Send(type, part, endOfMessage ? WebSocketMessageFlags.EndOfMessage : WebSocketMessageFlags.None);
            most = Math.Max(most, peer.BufferedBytes);
            last = GC.GetAllocatedBytesForCurrentThread();
        });
        await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1 }, driver == Driver.Streams);
        server.Map(new WebSocketRoute("/ws", handler) { StreamMessagesAbove = 64 * 1024, MaxMessageSize = long.MaxValue });
        server.Start();
        using RawClient client = await RawClient.Connect(server.EndPoints[0]);
        await client.Upgrade();

        byte[] chunk = Wire.Noise(Chunk);
        byte[] masked = (byte[])chunk.Clone();
        Masking.Apply(masked, Wire.MaskingKey); // a chunk is a multiple of the key's four bytes
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Task sending = Task.Run(async () =>
        {
            await client.Send(Wire.LongHeader(0x82, (long)Chunk * Chunks));
            for (int i = 0; i < Chunks; i++) await client.Send(masked);
        });
        await ReadBack(client, chunk);
        await sending.InTime();
        long total = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(parts >= Chunks * Chunk / (256 * 1024), $"{parts} parts");
        Assert.InRange(most, 0, 2 << 20); // the pause, and one receive
        Assert.InRange(total, 0, 16 << 20); // the process, with the segments of the queue and the client's own tasks
        if (driver == Driver.Loops) Assert.InRange(allocated + last, 0, 4 << 20); // the loop's thread: segments, until the queue has been as long as it gets
    }

    private static async Task ReadBack(RawClient client, byte[] chunk)
    {
        var reader = new WebSocketReader(new WebSocketReaderOptions { Role = WebSocketRole.Client, MaxMessageSize = long.MaxValue, MaxFragments = int.MaxValue });
        byte[] buffer = new byte[256 * 1024];
        int kept = 0;
        long received = 0;
        for (bool ended = false; !ended;)
        {
            using var deadline = new CancellationTokenSource(Eventually.Deadline);
            int count = await client.Socket.ReceiveAsync(buffer.AsMemory(kept), deadline.Token);
            Assert.NotEqual(0, count);
            kept = Take(ref reader, buffer.AsSpan(0, kept + count), chunk, ref received, ref ended);
        }

        Assert.Equal((long)Chunk * Chunks, received);
    }

    private static int Take(ref WebSocketReader reader, Span<byte> input, byte[] chunk, ref long received, ref bool ended)
    {
        Span<byte> all = input;
        while (!input.IsEmpty)
        {
            WebSocketEvent found = reader.Read(input, out int consumed, out Span<byte> payload);
            if (found == WebSocketEvent.NeedMoreData && consumed == 0) break;
            input = input[consumed..];
            Assert.True(found is WebSocketEvent.Payload or WebSocketEvent.EndOfMessage or WebSocketEvent.NeedMoreData);
            ended = found == WebSocketEvent.EndOfMessage;
            while (!payload.IsEmpty)
            {
                ReadOnlySpan<byte> expected = chunk.AsSpan((int)(received % Chunk));
                int count = Math.Min(expected.Length, payload.Length);
                Assert.True(payload[..count].SequenceEqual(expected[..count]), "The payload differs.");
                payload = payload[count..];
                received += count;
            }
        }

        input.CopyTo(all);
        return input.Length;
    }

    private sealed class Streaming(TestHandler.PartAction action) : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => Assert.Fail("It is not whole.");

        public override void OnMessagePart(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> part, bool endOfMessage) =>
            action(peer, type, part, endOfMessage);
    }
}

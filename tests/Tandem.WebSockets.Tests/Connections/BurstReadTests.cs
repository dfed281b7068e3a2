using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>How many reads messages take that come together. A first read is small, so that most messages are all that it has; where they come in bursts it is not.</summary>
public sealed class BurstReadTests
{
    // Of frames of 20 bytes: more than a small read takes, and less than a large one.
    private const int Burst = 50;

    [Fact]
    public async Task A_burst_is_one_read_where_the_last_messages_came_in_one()
    {
        using Subject subject = Subject.Create(new WebSocketConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var own = (DuplexStream)subject.Own;
        Assert.Equal(1, await ReadsAsync(1));
        Assert.Equal(2, await ReadsAsync(Burst));
        for (int i = 0; i < 3; i++) Assert.Equal(1, await ReadsAsync(Burst));
        // A message alone is what a small buffer is for; so the next burst is a surprise again.
        Assert.Equal(1, await ReadsAsync(1));
        Assert.Equal(2, await ReadsAsync(Burst));
        Assert.Equal(1, await ReadsAsync(Burst));

        async Task<int> ReadsAsync(int count)
        {
            byte[] payload = new byte[14]; // behind a header of 6
            byte[] frame = subject.Peer.Frame(0x82, payload);
            int before = own.Reads;
            await subject.Peer.SendAsync([.. Enumerable.Repeat(frame, count).SelectMany(bytes => bytes)]);
            byte[] buffer = new byte[100];
            for (int i = 0; i < count; i++) Assert.Equal(payload.Length, (await subject.Socket.ReceiveAsync(buffer.AsMemory(), default)).Count);
            return own.Reads - before;
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task A_frame_that_comes_byte_by_byte_behind_a_burst_is_read_wherever_the_burst_has_cut_it(WebSocketRole role)
    {
        // The burst is in a large buffer, and what is left of it goes into a small one.
        foreach (int length in (int[])[0, 1, 200])
        {
            for (int cut = 0, total = int.MaxValue; cut <= total; cut++)
            {
                using Subject subject = Subject.Create(new WebSocketConnectionOptions { Role = role, KeepAliveInterval = Timeout.InfiniteTimeSpan });
                byte[] last = subject.Peer.Frame(0x82, Wire.Noise(length));
                total = Math.Min(last.Length, 16);
                byte[] burst = [.. Enumerable.Repeat(subject.Peer.Frame(0x82, new byte[14]), Burst).SelectMany(bytes => bytes)];
                await subject.Peer.SendAsync([.. burst, .. last[..cut]]);
                byte[] buffer = new byte[300];
                for (int i = 0; i < Burst; i++) Assert.Equal(14, (await subject.Socket.ReceiveAsync(buffer.AsMemory(), default).InTime()).Count);

                Task<byte[]> message = ReceiveAsync(subject);
                for (int at = cut; at < total; at++)
                {
                    await subject.Peer.SendAsync(last[at]);
                    await Waits.UntilAsync(() => ((DuplexStream)subject.Own).Unread == 0);
                }

                await subject.Peer.SendAsync(last[total..]);
                Assert.Equal(Wire.Noise(length), await message.InTime());
            }
        }
    }

    private static async Task<byte[]> ReceiveAsync(Subject subject)
    {
        var message = new List<byte>();
        byte[] buffer = new byte[300];
        while (true)
        {
            ValueWebSocketReceiveResult received = await subject.Socket.ReceiveAsync(buffer.AsMemory(), default);
            message.AddRange(buffer[..received.Count]);
            if (received.EndOfMessage) return [.. message];
        }
    }
}

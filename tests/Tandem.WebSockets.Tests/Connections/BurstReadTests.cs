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
}

using Tandem.Protocol.Drafts;
using Tandem.WebSockets.Drafts;
using Tandem.WebSockets.Tests.Sockets;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>What the stream of frames over a socket of hixie-75 or hixie-76 owes to who reads it: who is silent costs no buffer.</summary>
public sealed class HixieStreamTests
{
    [Fact]
    public async Task A_read_of_no_bytes_waits_until_there_is_something_to_read()
    {
        using SocketPair pair = await CreateAsync([]);
        ValueTask<int> wait = pair.Stream.ReadAsync(Memory<byte>.Empty);
        Assert.False(wait.IsCompleted);
        await pair.Peer.SendAsync((byte[])[0x00, (byte)'a', 0xFF]);
        Assert.Equal(0, await wait.InTime());
        Assert.True(await pair.Stream.ReadAsync(new byte[100]).InTime() > 0);
    }

    [Fact]
    public async Task A_read_of_no_bytes_does_not_wait_where_something_came_behind_the_handshake()
    {
        using SocketPair pair = await CreateAsync([0x00, (byte)'a', 0xFF]);
        Assert.Equal(0, await pair.Stream.ReadAsync(Memory<byte>.Empty).InTime()); // nothing comes from the peer
        Assert.True(await pair.Stream.ReadAsync(new byte[100]).InTime() > 0);
    }

    private static Task<SocketPair> CreateAsync(byte[] behind) =>
        SocketPair.CreateAsync(socket => new HixieStream(socket, WebSocketDrafts.Hixie76, answerLength: 0, behind, static _ => { }));
}

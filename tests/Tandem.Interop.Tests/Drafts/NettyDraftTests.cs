using System.Net.WebSockets;
using System.Text;
using Tandem.Interop.Tests.Matrix;
using Tandem.Interop.Tests.Peers;
using Tandem.Protocol.Drafts;

namespace Tandem.Interop.Tests.Drafts;

/// <summary>
/// A client of the time: Netty has those of hixie-76 (version 0), hybi-07 and hybi-08 still. Each with our event-loop server, which is told to speak the drafts.
/// </summary>
/// <remarks>
/// What its client of hixie-76 has read of a text that is not there as a whole it forgets: of <c>00 mess</c> and, later, <c>age two FF</c> it delivers <c>ge two</c>. So it is sent short texts,
/// one at a time.
/// </remarks>
public sealed class NettyDraftTests(Netty netty) : IClassFixture<Netty>
{
    private static int NextId;

    public static TheoryData<int> Versions => [0, 7, 8];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Texts_come_back(int version)
    {
        await using Connection connection = await OpenAsync(version);
        string[] texts = ["a", "", "ü漢\U0001F600", new('x', 125), new('y', 126)];
        foreach (string text in version == 0 ? texts : [.. texts, new('z', 65_536), new('é', 500_000)])
        {
            await connection.Ours.SendAsync(text);
            Arrival arrival = await connection.Ours.ReceiveAsync();
            Assert.True(arrival.Type == WebSocketMessageType.Text && arrival.Text == text, $"{text.Length} characters came back as {arrival.Type} of {arrival.Payload.Length} bytes.");
        }
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public async Task A_thousand_messages_come_back_in_order(int version)
    {
        await using Connection connection = await OpenAsync(version);
        for (int i = 0; i < 1000; i++) await connection.Ours.SendAsync($"message {i}");
        for (int i = 0; i < 1000; i++) Assert.Equal($"message {i}", (await connection.Ours.ReceiveAsync()).Text);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Our_fragments_are_one_text(int version)
    {
        await using Connection connection = await OpenAsync(version);
        byte[] text = Encoding.UTF8.GetBytes("frägments");
        await connection.Ours.SendAsync(WebSocketMessageType.Text, text.AsMemory(0, 3), endOfMessage: false); // within the ä
        await connection.Ours.SendAsync(WebSocketMessageType.Text, default, endOfMessage: false);
        await connection.Ours.SendAsync(WebSocketMessageType.Text, text.AsMemory(3));
        Assert.Equal("frägments", (await connection.Ours.ReceiveAsync()).Text);
    }

    [Theory]
    [InlineData(0, WebSocketCloseStatus.Empty, 1005, "")]
    [InlineData(7, WebSocketCloseStatus.NormalClosure, 1000, "done")]
    [InlineData(8, WebSocketCloseStatus.NormalClosure, 1000, "done")]
    public async Task Both_ends_close_and_hixie76_has_no_codes(int version, WebSocketCloseStatus status, int code, string reason)
    {
        await using (Connection connection = await OpenAsync(version))
        {
            await connection.Ours.CloseAsync(WebSocketCloseStatus.NormalClosure, "done");
            CloseCause cause = await connection.Ours.ReceiveEndAsync();
            Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.NormalClosure), (cause.Initiator, cause.Status));
            await ExpectReport(connection);
        }

        await using (Connection connection = await OpenAsync(version))
        {
            await connection.Ours.SendAsync("!close 1000 done");
            CloseCause cause = await connection.Ours.ReceiveEndAsync();
            Assert.Equal((CloseInitiator.Peer, status, reason), (cause.Initiator, cause.Status, cause.Reason));
        }

        async Task ExpectReport(Connection connection)
        {
            PeerReport report = await netty.ReportAsync(connection.Id);
            Assert.Null(report.Error);
            Assert.Equal((code, reason), (report.Code, report.Reason));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_subprotocol_is_agreed_on(int version)
    {
        await using Connection connection = await OpenAsync(version, Scenarios.Subprotocol);
        Assert.Equal(Scenarios.Subprotocol, connection.Ours.Subprotocol);
        await connection.Ours.CloseAsync(WebSocketCloseStatus.NormalClosure, "");
        Assert.Equal(Scenarios.Subprotocol, (await netty.ReportAsync(connection.Id)).Protocol);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Binary_messages_pings_and_the_peers_fragments_are_those_of_RFC6455(int version)
    {
        await using Connection connection = await OpenAsync(version);
        byte[] noise = Enumerable.Range(0, 70_000).Select(i => (byte)(i * i >> 3)).ToArray();
        await connection.Ours.SendAsync(WebSocketMessageType.Binary, noise);
        Arrival arrival = await connection.Ours.ReceiveAsync();
        Assert.True(arrival.Type == WebSocketMessageType.Binary && noise.AsSpan().SequenceEqual(arrival.Payload));
        await connection.Ours.PingAsync();
        await connection.Ours.SendAsync("!fragments");
        Assert.Equal(string.Concat(Enumerable.Repeat("0123456789", 3000)), (await connection.Ours.ReceiveAsync()).Text);
    }

    private async Task<Connection> OpenAsync(int version, params string[] subprotocols)
    {
        Assert.SkipWhen(netty.Missing is not null, $"{netty.Card.Name}: {netty.Missing} is missing ({netty.Card.Install}).");
        string id = $"draft-{Interlocked.Increment(ref NextId)}";
        var ours = new EventLoopEnd(new LinkOptions { Id = id, Drafts = WebSocketDrafts.All, OurSubprotocols = subprotocols });
        try
        {
            await netty.ConnectAsync(id, new Uri($"ws://{ours.EndPoint}/{id}"), subprotocols, Profile.Plain, version);
            await ours.AcceptAsync();
            return new Connection(id, ours);
        }
        catch
        {
            await ours.DisposeAsync();
            throw;
        }
    }

    private sealed record Connection(string Id, EventLoopEnd Ours) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Ours.DisposeAsync();
    }
}

using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Answers to messages that came together leave together, and nobody can tell but by the number of writes.</summary>
public sealed class GatheringTests
{
    // More than any test gathers, and less than a read takes.
    private const int Burst = 64;

    private static readonly WebSocketConnectionOptions Options = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    public static TheoryData<WebSocketRole, StreamTraits, int> Conversations
    {
        get
        {
            var cases = new TheoryData<WebSocketRole, StreamTraits, int>();
            foreach (WebSocketRole role in Enum.GetValues<WebSocketRole>())
            {
                foreach (StreamTraits traits in (StreamTraits[])[StreamTraits.None, StreamTraits.OneByteReads, StreamTraits.AsynchronousWrites])
                {
                    for (int seed = 1; seed <= 4; seed++) cases.Add(role, traits, seed);
                }
            }

            return cases;
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task Answers_to_messages_that_came_together_leave_together(WebSocketRole role)
    {
        using var metrics = new Metrics();
        WebSocketTelemetry telemetry = WebSocketTelemetry.For(metrics);
        using Subject subject = Subject.Create(Options with { Role = role, Telemetry = telemetry });
        await subject.Peer.SendAsync(Frames(subject, Burst));
        byte[] buffer = new byte[100];
        for (int i = 0; i < Burst; i++)
        {
            ValueWebSocketReceiveResult received = await subject.Socket.ReceiveAsync(buffer.AsMemory(), default);
            await subject.Socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, true, default);
        }

        for (int i = 0; i < Burst; i++) Assert.Equal([(byte)i], (await subject.Peer.ReadFrameAsync()).Payload);
        // The watch may come at any time, but not after each of them.
        Assert.InRange(((DuplexStream)subject.Own).Writes, 1, Burst / 2);
        TrafficLedger traffic = (role == WebSocketRole.Server ? telemetry.Server : telemetry.Client).Traffic;
        await Waits.UntilAsync(() => traffic.Sum(static block => block.MessagesSent) == Burst);
        Assert.Equal(Burst * (FrameHeader.LengthFor(1, role == WebSocketRole.Client) + 1), traffic.Sum(static block => block.BytesSent));
        Assert.Equal(0, traffic.Sum(static block => block.Buffered));
    }

    [Fact]
    public async Task An_answer_leaves_while_other_messages_wait_whatever_the_application_does_next()
    {
        using Subject subject = await AnsweredAsync(Options);
        Assert.Equal("answer"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_leaves_before_the_connection_is_disposed_of_or_aborted(bool aborts)
    {
        for (int i = 0; i < 100; i++)
        {
            using Subject subject = await AnsweredAsync(Options);
            if (aborts) subject.Socket.Abort();
            else subject.Socket.Dispose();
            Assert.Equal("answer"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
            Assert.True(await subject.Peer.IsEndedAsync());
        }
    }

    [Fact]
    public async Task A_connection_that_was_disposed_of_holds_its_stream_until_a_slow_peer_has_the_answer()
    {
        using Subject subject = await AnsweredAsync(Options, stalls: true);
        var stream = (DuplexStream)subject.Own;
        subject.Socket.Dispose();
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        Assert.False(stream.IsDisposed);
        stream.Resume();
        Assert.Equal("answer"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.True(await subject.Peer.IsEndedAsync());
    }

    [Fact]
    public async Task But_not_for_ever()
    {
        var time = new ManualClock();
        using Subject subject = await AnsweredAsync(Options with { TimeProvider = time }, stalls: true);
        var stream = (DuplexStream)subject.Own;
        subject.Socket.Dispose();
        Assert.False(stream.IsDisposed);
        time.Advance(1);
        await Waits.UntilAsync(() => stream.IsDisposed);
    }

    [Fact]
    public async Task What_else_is_sent_goes_behind_it()
    {
        for (int i = 0; i < 60; i++)
        {
            int length = (i % 3) switch { 0 => 1, 1 => 20_000, _ => 100_000 };
            using Subject subject = await AnsweredAsync(Options);
            await subject.Socket.SendAsync(new byte[length].AsMemory(), WebSocketMessageType.Binary, true, default);
            await subject.Socket.ShutOutputAsync(1001);
            Assert.Equal("answer"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
            Assert.Equal(length, (await subject.Peer.ReadFrameAsync()).Payload.Length);
            Assert.Equal(1001, await subject.Peer.ReadCloseCodeAsync());
        }
    }

    [Fact]
    public async Task When_the_peer_takes_nothing_senders_wait_after_one_buffer()
    {
        const int most = 16 * 1024;
        using Subject subject = Subject.Create(Options);
        await subject.Peer.SendAsync(Frames(subject, 2000));
        ((DuplexStream)subject.Own).Stall();
        byte[] buffer = new byte[100];
        ValueTask send = default;
        int accepted = -1;
        while (send.IsCompleted)
        {
            Assert.InRange(++accepted * (buffer.Length + 2), 0, most);
            await send;
            await subject.Socket.ReceiveAsync(buffer.AsMemory(), default);
            send = subject.Socket.SendAsync(buffer.AsMemory(), WebSocketMessageType.Binary, true, default);
        }

        subject.Socket.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.AsTask().InTime());
    }

    [Fact]
    public async Task A_transport_that_fails_behind_a_send_ends_the_connection()
    {
        using Subject subject = await AnsweredAsync(Options, before: static subject => subject.Peer.Dispose());
        await Waits.UntilAsync(() => subject.Socket.State == WebSocketState.Aborted);
        Assert.Equal(CloseInitiator.TransportEnd, subject.Ours.CloseCause!.Value.Initiator);
        await Waits.FailsAsync(WebSocketError.InvalidState, () => subject.Socket.PutAsync("x"));
        await Waits.FailsAsync(WebSocketError.InvalidState, () => subject.Socket.TakeAsync());
    }

    [Theory]
    [MemberData(nameof(Conversations))]
    public async Task Whatever_comes_however_cut_is_echoed_as_it_is(WebSocketRole role, StreamTraits traits, int seed)
    {
        var random = new Random(seed);
        using Subject subject = Subject.Create(Options with { Role = role, ReceiveBufferSize = 1024 << random.Next(5) }, traits);
        var messages = new List<byte[]>();
        var sent = new MemoryStream();
        for (int i = 0; i < 300; i++)
        {
            byte[] message = new byte[random.Next(20) switch { 0 => random.Next(70_000), < 4 => random.Next(5000), _ => random.Next(200) }];
            random.NextBytes(message);
            messages.Add(message);
            int cut = random.Next(4) == 0 ? random.Next(message.Length + 1) : message.Length;
            if (cut != message.Length) sent.Write(subject.Peer.Frame(0x02, message[..cut]));
            if (random.Next(8) == 0) sent.Write(subject.Peer.Frame(0x8A, 1)); // a pong that nobody asked for
            sent.Write(subject.Peer.Frame(cut != message.Length ? 0x80 : 0x82, cut != message.Length ? message[cut..] : message));
        }

        Task echo = EchoAsync(subject.Socket, 1 + random.Next(20_000));
        Task write = WriteInPiecesAsync(subject.Peer, sent.ToArray(), random.Next());
        foreach (byte[] message in messages)
        {
            var whole = new MemoryStream();
            int first;
            do
            {
                (first, byte[] payload) = await subject.Peer.ReadFrameAsync();
                whole.Write(payload);
            }
            while ((first & 0x80) == 0);
            Assert.True(message.AsSpan().SequenceEqual(whole.ToArray()));
        }

        await write;
        await subject.Peer.SendCloseAsync(1000);
        await echo.InTime();
    }

    private static async Task EchoAsync(WebSocket socket, int size)
    {
        byte[] buffer = new byte[size];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default);
            if (received.MessageType == WebSocketMessageType.Close) return;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
            if (received.Count % 16 == 0) await Task.Yield();
        }
    }

    private static async Task WriteInPiecesAsync(RawPeer peer, byte[] bytes, int seed)
    {
        var random = new Random(seed);
        for (int at = 0; at < bytes.Length;)
        {
            int count = Math.Min(bytes.Length - at, random.Next(3) == 0 ? 1 + random.Next(300) : 1 + random.Next(30_000));
            await peer.SendAsync(bytes[at..(at + count)]);
            at += count;
            if (random.Next(4) == 0) await Task.Yield();
        }
    }

    /// <summary>A connection that has received one of several messages and answered it, and been told that the answer is on its way.</summary>
    private static async Task<Subject> AnsweredAsync(WebSocketConnectionOptions options, bool stalls = false, Action<Subject>? before = null)
    {
        Subject subject = Subject.Create(options);
        await subject.Peer.SendAsync(Frames(subject, 3));
        await subject.Socket.TakeAsync();
        if (stalls) ((DuplexStream)subject.Own).Stall();
        before?.Invoke(subject);
        await subject.Socket.PutAsync("answer").InTime();
        return subject;
    }

    private static byte[] Frames(Subject subject, int count) =>
        [.. Enumerable.Range(0, count).SelectMany(i => subject.Peer.Frame(0x82, (byte)i))];
}

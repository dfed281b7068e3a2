using System.Net;
using System.Net.Sockets;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>
/// What sessions cost in memory. An event on its whole way: from the hub through topic, session, carrier and connection to the socket, acknowledgements
/// included; it is framed once, and compressed once for all whose windows are equal. And a session that nothing happens in.
/// </summary>
[Collection(nameof(Alone))]
public sealed class SessionMemoryTests
{
    private const int Subscribers = 200;
    private const int Burst = 10;
    private const int AckedBursts = 6; // 60 frames, just before they are due
    private const int Payload = 600;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_event_allocates_a_constant_and_nothing_for_a_subscriber(bool compresses)
    {
        await using SessionSite site = await SessionSite.StartAsync(
            topics: new TopicOptions { HistoryEvents = 16 },
            configure: options => options with { Loops = 1, Deflate = compresses ? new() : null });
        Subscriber[] subscribers = [.. Enumerable.Range(0, Subscribers).Select(_ => new Subscriber(site.Port, compresses))];
        // The rings of the outboxes and the queues of the loop come to their sizes first.
        Publish(site.Hub, subscribers, 5 * AckedBursts);
        const int Bursts = 30 * AckedBursts;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Publish(site.Hub, subscribers, Bursts);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        foreach (Subscriber subscriber in subscribers) subscriber.Dispose();
        // The event with its bytes, as they came, framed, and perhaps compressed, and some objects around them. What is over that is less than 4 bytes
        // for a subscriber: no object, and no share of an array that would be made anew between two acknowledgements.
        const int Event = (3 * Payload) + 600;
        Assert.InRange(allocated / (Bursts * Burst), Payload, Event);
    }

    [Fact]
    public async Task All_whose_windows_are_equal_get_the_same_compressed_bytes_whatever_they_got_before()
    {
        await using SessionSite site = await SessionSite.StartAsync(configure: options => options with { Deflate = new() });
        using var early = new Subscriber(site.Port, compresses: true);
        PublishOne(site.Hub);
        _ = early.ReadEvent();
        // Compressed for each, the second would refer to the first where that was sent, and could not where it was not.
        using var late = new Subscriber(site.Port, compresses: true);
        PublishOne(site.Hub);
        byte[] expected = early.ReadEvent().ToArray();
        Assert.Equal(0x40, expected[0] & 0x40); // RSV1: RFC 7692 section 6
        Assert.Equal(expected, late.ReadEvent().ToArray());
    }

    [Fact]
    public async Task A_session_with_a_subscription_takes_less_than_a_KiB_over_its_connection_once_it_is_idle()
    {
        const int Sessions = 1_000;
        await using SessionSite site = await SessionSite.StartAsync(
            topics: new TopicOptions { HistoryEvents = 0 }, configure: options => options with { Loops = 1 });
        // What the process loads for the first of them is nobody's share.
        using var first = new Subscriber(site.Port, compresses: false);
        Subscriber[] subscribers = [.. Enumerable.Range(0, Sessions).Select(_ => new Subscriber(site.Port, compresses: false, joins: false))];
        GC.Collect();
        GC.WaitForPendingFinalizers(); // what earlier tests left would hide what this one takes
        long before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (Subscriber subscriber in subscribers) subscriber.Join();
        Publish(site.Hub, subscribers, AckedBursts);
        // What traffic needs is given back over some ticks once there is none.
        await Eventually.True(() => GC.GetTotalMemory(forceFullCollection: true) - before < 1024 * Sessions, "less than a KiB each");
        foreach (Subscriber subscriber in subscribers) subscriber.Dispose();
    }

    private static void Publish(SessionHub hub, Subscriber[] subscribers, int bursts)
    {
        for (int i = 1; i <= bursts; i++)
        {
            for (int j = 0; j < Burst; j++) PublishOne(hub);
            foreach (Subscriber subscriber in subscribers) subscriber.ReadEvents(Burst, acknowledges: i % AckedBursts == 0);
        }
    }

    private static void PublishOne(SessionHub hub)
    {
        Span<byte> payload = stackalloc byte[Payload];
        for (int i = 0; i < payload.Length; i++) payload[i] = (byte)('a' + (i * i % 23));
        ValueTask<SessionCode> published = hub.PublishAsync("news", payload, MessageFlags.Text);
        if (!published.IsCompletedSuccessfully || published.Result != SessionCode.Ok) Assert.Fail("the event was not published");
    }

    /// <summary>A socket that blocks: a client whose own work would allocate would be measured as well.</summary>
    private sealed class Subscriber : IDisposable
    {
        private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true, ReceiveTimeout = (int)Eventually.Deadline.TotalMilliseconds, SendTimeout = (int)Eventually.Deadline.TotalMilliseconds,
        };
        private readonly byte[] _buffer = new byte[16 * 1024];
        private readonly byte[] _frame = new byte[32];
        private int _start;
        private int _end;
        private long _received = 1; // SUBSCRIBED

        public Subscriber(int port, bool compresses, bool joins = true)
        {
            _socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
            List<string> fields = [$"Sec-WebSocket-Protocol: {ProtocolLimits.Subprotocol}"];
            if (compresses) fields.Add("Sec-WebSocket-Extensions: permessage-deflate");
            _socket.Send(Wire.Ascii(Wire.Request("/session/websocket", [.. fields])));
            while (_buffer.AsSpan(0, _end).IndexOf("\r\n\r\n"u8) < 0) Fill();
            Assert.StartsWith("HTTP/1.1 101", Encoding.ASCII.GetString(_buffer, 0, _end), StringComparison.Ordinal);
            _start = _end = 0;
            if (joins) Join();
        }

        public void Join()
        {
            _socket.Send(Wire.Binary(new OpenFrame { Version = 1, Publisher = 7 }.ToShared().Span.ToArray()));
            _ = ReadFrame();
            _socket.Send(Wire.Binary(new SubscribeFrame { Request = 1, Topic = "news"u8 }.ToShared().Span.ToArray()));
            while (Type(ReadFrame()) != FrameType.Subscribed)
            {
            }

            Acknowledge();
        }

        public void ReadEvents(int count, bool acknowledges)
        {
            for (; count > 0; count--, _received++) _ = ReadEvent();
            if (acknowledges) Acknowledge();
        }

        /// <summary>The next frame that is no ACK of the server: those are much smaller than an event, compressed or not.</summary>
        public ReadOnlySpan<byte> ReadEvent()
        {
            while (true)
            {
                ReadOnlySpan<byte> frame = ReadFrame();
                if (frame.Length > 16) return frame;
            }
        }

        public void Dispose() => _socket.Dispose();

        // The next frame of the WebSocket, its header included.
        private ReadOnlySpan<byte> ReadFrame()
        {
            while (_end - _start < 2) Fill();
            int header = _buffer[_start + 1] == 126 ? 4 : 2;
            while (_end - _start < header) Fill();
            int length = header + (header == 2 ? _buffer[_start + 1] : (_buffer[_start + 2] << 8) | _buffer[_start + 3]);
            while (_end - _start < length) Fill();
            ReadOnlySpan<byte> frame = _buffer.AsSpan(_start, length);
            _start += length;
            return frame;
        }

        private static FrameType Type(ReadOnlySpan<byte> frame) => (FrameType)frame[2];

        private void Acknowledge()
        {
            int length = new AckFrame { Received = _received }.Write(_frame.AsSpan(6));
            // A masking key of zeros leaves the payload as it is.
            (_frame[0], _frame[1]) = (0x82, (byte)(0x80 | length));
            _socket.Send(_frame.AsSpan(0, 6 + length));
        }

        private void Fill()
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            int count = _socket.Receive(_buffer.AsSpan(_end));
            if (count == 0) Assert.Fail("the server closed the connection");
            _end += count;
        }
    }
}

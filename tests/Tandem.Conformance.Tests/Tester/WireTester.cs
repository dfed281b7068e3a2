using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Tandem.Conformance.Tests.Subjects;

namespace Tandem.Conformance.Tests.Tester;

/// <summary>
/// The other end of a subject's connection, on a bare socket. It sends any bytes in any pieces, and judges each byte that comes back by RFC
/// 6455: what a peer must not send fails the test.
/// </summary>
public sealed class WireTester : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly Task? _work;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private bool _closed;
    private int _fragmentOpcode;

    private WireTester(Socket socket, Subject subject, Task? work)
    {
        _socket = socket;
        Subject = subject;
        _work = work;
        socket.NoDelay = true;
    }

    public Subject Subject { get; }

    /// <summary>The tester plays the client's part, and masks.</summary>
    public bool IsClient => Subject != Subject.Client;

    /// <summary>What the subject said about extensions: the server in its answer, the client in its offer; null for nothing.</summary>
    public string? Extensions { get; private set; }

    /// <summary>Whether a message may be compressed: permessage-deflate was agreed on.</summary>
    public bool AllowsRsv1 { get; set; }

    /// <summary>The masking keys of the client's frames.</summary>
    public List<uint> Keys { get; } = [];

    /// <summary>An open WebSocket.</summary>
    /// <param name="subject">Who is tested.</param>
    /// <param name="options">How it is set up.</param>
    /// <param name="extensions">What the tester says about extensions: as a client its offer, as a server its answer.</param>
    public static async Task<WireTester> Open(Subject subject, SubjectOptions? options = null, string? extensions = null)
    {
        WireTester tester = await Connect(subject, options);
        string field = extensions is null ? "" : $"Sec-WebSocket-Extensions: {extensions}\r\n";
        if (tester.IsClient)
        {
            await tester.SendBytes(Wire.Ascii(Wire.Request("/ws")[..^2] + field + "\r\n"));
            string head = await tester.ReadHead();
            Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", head, StringComparison.Ordinal);
            Assert.Equal(Wire.Accept, Field(head, "Sec-WebSocket-Accept"));
            tester.Extensions = Field(head, "Sec-WebSocket-Extensions");
        }
        else
        {
            string head = await tester.ReadHead();
            tester.Extensions = Field(head, "Sec-WebSocket-Extensions");
            await tester.SendBytes(Wire.Ascii(
                $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {AcceptOf(head)}\r\n{field}\r\n"));
        }

        return tester;
    }

    /// <summary>A TCP connection: the client's request, where the subject is one, is still to be read.</summary>
    public static async Task<WireTester> Connect(Subject subject, SubjectOptions? options = null)
    {
        options ??= SubjectOptions.Default;
        if (subject is Subject.EventLoop or Subject.Sockets) return new WireTester(await Dial(ServerEcho.EndPoint(subject, options)), subject, null);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var endPoint = (IPEndPoint)listener.LocalEndpoint;
        if (subject == Subject.Client)
        {
            Task work = ClientEcho.RunAsync(endPoint, options);
            return new WireTester(await listener.AcceptSocketAsync().InTime(), subject, work);
        }

        Task<Socket> accepting = listener.AcceptSocketAsync();
        Socket socket = await Dial(endPoint);
        return new WireTester(socket, subject, StreamEcho.RunAsync(await accepting.InTime(), options));
    }

    /// <summary>The value of the only line of a field, or null.</summary>
    public static string? Field(string head, string name) =>
        head.Split("\r\n").SingleOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..];

    /// <summary>Section 4.2.2: the SHA-1 of the key and the GUID.</summary>
    [SuppressMessage("Security", "CA5350:Do Not Use Weak Cryptographic Algorithms", Justification = "RFC 6455 section 4.2.2 asks for SHA-1, and not for secrecy.")]
    public static string AcceptOf(string head) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(Field(head, "Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));

    public Task Send(params Frame[] frames) => Send(frames, Delivery.OneWrite);

    /// <summary>Sends frames, cut in a way.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="delivery">The way.</param>
    /// <param name="mayFail">The subject may end the connection before all is sent.</param>
    public async Task Send(IReadOnlyList<Frame> frames, Delivery delivery, bool mayFail = false)
    {
        try
        {
            if (delivery == Delivery.FrameByFrame)
            {
                foreach (Frame frame in frames) await SendBytes(frame.Encode(IsClient));
                return;
            }

            await SendBytes(Wire.Concat(frames.Select(frame => frame.Encode(IsClient))), delivery);
        }
        catch (SocketException) when (mayFail)
        {
        }
    }

    /// <summary>Sends bytes, cut in a way.</summary>
    public async Task SendBytes(byte[] bytes, Delivery delivery)
    {
        foreach (ReadOnlyMemory<byte> piece in Pieces(bytes, delivery)) await SendBytes(piece);
    }

    public async Task SendBytes(ReadOnlyMemory<byte> bytes)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes, deadline.Token)..];
    }

    /// <summary>Sends FIN, and goes on reading.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>The next frame, which must be this one.</summary>
    public async Task Expect(Frame expected)
    {
        Frame frame = await Read() ?? throw new Xunit.Sdk.XunitException($"The connection ended; expected was {expected}.");
        bool same = frame.First == expected.First && frame.Payload.AsSpan().SequenceEqual(expected.Payload);
        Assert.True(same, $"Received {frame}; expected was {expected}.");
    }

    /// <summary>The subject fails the connection: a close frame with this code, then the end, without the tester's help.</summary>
    public async Task ExpectFailure(int code)
    {
        Frame frame = await Read() ?? throw new Xunit.Sdk.XunitException($"The connection ended without a close frame; expected was {code}.");
        Assert.True(frame.First == 0x88 && frame.CloseCode == code, $"Received {frame}; expected was a close frame with {code}.");
        await ExpectEnd();
    }

    /// <summary>The tester closes: the close frame comes back, and then the end, which is the server's business first (section 7.1.1).</summary>
    public async Task Close(Frame close)
    {
        await Send(close);
        await ExpectCloseAnswer(close);
    }

    /// <summary>The answer to the tester's close frame, and the end.</summary>
    public async Task ExpectCloseAnswer(Frame close)
    {
        await Expect(close with { First = 0x88 });
        await EndTransport();
    }

    /// <summary>The end after both close frames.</summary>
    public async Task EndTransport()
    {
        if (!IsClient)
        {
            Assert.False(HasMore(TimeSpan.Zero), "RFC 6455 section 7.1.1: the client ended TCP before the server.");
            EndSending();
        }

        // A server does not wait.
        await ExpectEnd();
    }

    /// <summary>Whether bytes or the end come within a time: for what must not come.</summary>
    public bool HasMore(TimeSpan within) => _start != _end || _socket.Poll(within, SelectMode.SelectRead);

    /// <summary>The subject ends TCP in order, and sends nothing before.</summary>
    public async Task ExpectEnd()
    {
        Assert.Equal(_start, _end);
        Assert.Equal(0, await Fill());
    }

    /// <summary>The next frame; null at the end of the connection.</summary>
    public async Task<Frame?> Read()
    {
        if (_start == _end && await Fill() == 0) return null;
        byte[] head = await Take(2);
        Assert.False(_closed, "RFC 6455 section 5.5.1: nothing is sent after a close frame.");
        int form = head[1] & 0x7F;
        byte[] extended = await Take(form < 126 ? 0 : form == 126 ? 2 : 8);
        ulong length = extended.Aggregate(form < 126 ? (ulong)form : 0, (value, b) => (value << 8) | b);
        Assert.True(form < 126 || (form == 126 ? length > 125 : length > 65535), $"Section 5.2: the length {length} is not in its minimal form.");
        Assert.True(length <= int.MaxValue, $"The length {length} cannot be meant.");
        bool masked = (head[1] & 0x80) != 0;
        Assert.True(masked != IsClient, "Section 5.1: a client masks, a server does not.");
        byte[] key = await Take(masked ? 4 : 0);
        byte[] payload = await Take((int)length);
        for (int i = 0; i < payload.Length && masked; i++) payload[i] ^= key[i & 3];
        if (masked) Keys.Add(BitConverter.ToUInt32(key));
        var frame = new Frame(head[0], payload);
        Judge(frame);
        return frame;
    }

    /// <summary>A head; what comes behind it stays for later.</summary>
    public async Task<string> ReadHead()
    {
        while (true)
        {
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                Assert.True(await Fill() > 0, "The connection ended within the head.");
                continue;
            }

            string head = Encoding.Latin1.GetString(_buffer, _start, end + 4);
            _start += end + 4;
            return head;
        }
    }

    /// <summary>Everything up to the end, which must be in order.</summary>
    public async Task<string> ReadToEnd()
    {
        while (await Fill() > 0)
        {
        }

        return Encoding.Latin1.GetString(_buffer, _start, _end - _start);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        if (_work is not null) await _work.InTime();
    }

    private static async Task<Socket> Dial(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endPoint).InTime();
        return socket;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] bytes, Delivery delivery)
    {
        int[] odd = [3, 7, 1, 13, 2, 31, 5];
        for (int at = 0, i = 0; at < bytes.Length; i++)
        {
            int size = delivery switch
            {
                Delivery.OneWrite => bytes.Length,
                Delivery.OddPieces => bytes.Length > 4096 ? 997 : odd[i % odd.Length],
                _ => at is >= 512 and < 1 << 30 && bytes.Length - at > 4093 + 512 ? 4093 : 1,
            };
            size = Math.Min(size, bytes.Length - at);
            yield return bytes.AsMemory(at, size);
            at += size;
        }
    }

    private void Judge(Frame frame)
    {
        int reserved = frame.First & 0x70;
        bool mayCompress = AllowsRsv1 && frame.Opcode is 1 or 2;
        Assert.True(reserved == 0 || (reserved == 0x40 && mayCompress), $"Section 5.2: a reserved bit is set in {frame}.");
        bool fin = (frame.First & 0x80) != 0;
        if (frame.IsControl)
        {
            Assert.True(frame.Opcode is >= 8 and <= 10, $"Section 5.2: a reserved opcode in {frame}.");
            Assert.True(fin && frame.Payload.Length <= 125, $"Section 5.5: a control frame that is long or fragmented: {frame}.");
            if (frame.Opcode == 8) JudgeClose(frame);
            return;
        }

        Assert.True(frame.Opcode <= 2, $"Section 5.2: a reserved opcode in {frame}.");
        Assert.True((frame.Opcode == 0) == (_fragmentOpcode != 0), $"Section 5.4: fragments out of order: {frame}.");
        if (frame.Opcode != 0) _fragmentOpcode = frame.Opcode;
        if (fin) _fragmentOpcode = 0;
    }

    private void JudgeClose(Frame frame)
    {
        _closed = true;
        if (frame.Payload.Length == 0) return;
        Assert.True(frame.Payload.Length > 1, "Section 5.5.1: a close frame with half a code.");
        Assert.True(frame.CloseCode is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999), $"Section 7.4: {frame.CloseCode} must not be sent.");
        Assert.True(Utf8.IsValid(frame.Payload.AsSpan(2)), "Section 5.5.1: the reason is not UTF-8.");
    }

    private async Task<byte[]> Take(int count)
    {
        byte[] bytes = new byte[count];
        int taken = 0;
        while (taken < count)
        {
            if (_start == _end) Assert.True(await Fill() > 0, "The connection ended within a frame.");
            int size = Math.Min(count - taken, _end - _start);
            _buffer.AsSpan(_start, size).CopyTo(bytes.AsSpan(taken));
            _start += size;
            taken += size;
        }

        return bytes;
    }

    private async Task<int> Fill()
    {
        if (_start == _end) _start = _end = 0;
        Assert.True(_end < _buffer.Length, "More than the tester expects at once.");
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        int count = await _socket.ReceiveAsync(_buffer.AsMemory(_end), deadline.Token);
        _end += count;
        return count;
    }
}

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Tests.Support;

/// <summary>How a connection went on.</summary>
internal enum Got
{
    Text,
    Binary,
    Ping,
    Pong,
    Close,

    /// <summary>The server ended its side in order (FIN).</summary>
    End,

    /// <summary>The connection was reset (RST).</summary>
    Reset,
}

/// <summary>Something received: a whole message, a control frame, or the end.</summary>
internal sealed record Received(Got Kind, byte[] Payload, bool Compressed = false)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    public int Status => Payload.Length < 2 ? 1005 : (Payload[0] << 8) | Payload[1];

    public string Reason => Payload.Length < 2 ? "" : Encoding.UTF8.GetString(Payload.AsSpan(2));
}

/// <summary>
/// A client on a bare socket, that sends any bytes in any pieces and reads what comes back with the engine's reader in the client's role,
/// which refuses all that a server must not send. Every wait has a deadline.
/// </summary>
internal sealed class RawClient : IDisposable
{
    private static readonly WebSocketReaderOptions ReaderOptions = new() { Role = WebSocketRole.Client, MaxMessageSize = 1 << 30 };

    private readonly MemoryStream _message = new();
    private WebSocketReader _reader = new(ReaderOptions);
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;
    private bool _closed;
    private InflaterPool? _inflaters;
    private InboundDeflate? _deflate;

    private RawClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public static async Task<RawClient> Connect(IPEndPoint endPoint, IPAddress? from = null, int receiveBuffer = 0)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer != 0) socket.ReceiveBufferSize = receiveBuffer;
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(endPoint).InTime();
        return new RawClient(socket);
    }

    public async Task Send(ReadOnlyMemory<byte> bytes)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        while (!bytes.IsEmpty) bytes = bytes[await Socket.SendAsync(bytes, deadline.Token)..];
    }

    public Task Send(string text) => Send(Wire.Ascii(text));

    /// <summary>Sends in pieces, each a write of its own.</summary>
    public async Task SendInPieces(ReadOnlyMemory<byte> bytes, int size)
    {
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(size, bytes.Length)..]) await Send(bytes[..Math.Min(size, bytes.Length)]);
    }

    /// <summary>Opens the WebSocket; returns the head of the answer.</summary>
    public async Task<string> Upgrade(string target = "/ws", params string[] fields)
    {
        await Send(Wire.Request(target, fields));
        return await ReadAccepted();
    }

    /// <summary>From here on the server may send compressed messages.</summary>
    public void ExpectDeflate(int windowBits, bool keepsContext)
    {
        _inflaters = new InflaterPool();
        _deflate = new InboundDeflate(_inflaters, windowBits, keepsContext);
        _reader = new WebSocketReader(ReaderOptions, _deflate);
    }

    /// <summary>The next frame as it is on the wire, at most 125 bytes of payload.</summary>
    public async Task<(byte First, byte[] Payload)> ReadFrame()
    {
        while (_end - _start < 2 || _end - _start < 2 + _buffer[_start + 1]) Assert.True(await Fill() > 0, "The connection ended within a frame.");
        int length = _buffer[_start + 1];
        Assert.InRange(length, 0, 125);
        (byte, byte[]) frame = (_buffer[_start], _buffer.AsSpan(_start + 2, length).ToArray());
        _start += 2 + length;
        return frame;
    }

    /// <summary>The head of an answer that must be 101.</summary>
    public async Task<string> ReadAccepted()
    {
        string head = await ReadHead();
        Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nSec-WebSocket-Accept: {Wire.Accept}\r\n", head, StringComparison.Ordinal);
        return head;
    }

    /// <summary>A head; what comes behind it stays for later.</summary>
    public async Task<string> ReadHead()
    {
        while (true)
        {
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                string head = Encoding.Latin1.GetString(_buffer, _start, end + 4);
                _start += end + 4;
                return head;
            }

            Assert.True(await Fill() > 0, "The connection ended within the head.");
        }
    }

    /// <summary>Everything to the end of the connection, which must be in order: a reset throws.</summary>
    public async Task<string> ReadToEnd()
    {
        while (await Fill() > 0)
        {
        }

        return Encoding.Latin1.GetString(_buffer, _start, _end - _start);
    }

    /// <summary>The next bytes, whatever they are.</summary>
    public async Task<byte[]> ReadBytes(int count)
    {
        while (_end - _start < count) Assert.True(await Fill() > 0, $"The connection ended {count - (_end - _start)} bytes early.");
        _start += count;
        return _buffer.AsSpan(_start - count, count).ToArray();
    }

    /// <summary>The next message, control frame or end.</summary>
    public async Task<Received> Read()
    {
        while (true)
        {
            if (Take() is { } received) return received;
            try
            {
                if (await Fill() == 0) return new Received(Got.End, []);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
            {
                return new Received(Got.Reset, []);
            }
        }
    }

    /// <summary>The next message, which must be this text.</summary>
    public async Task ReadText(string expected)
    {
        Received received = await Read();
        Assert.Equal((Got.Text, expected), (received.Kind, received.Text));
    }

    /// <summary>The next message, which must be these bytes.</summary>
    public async Task ReadMessage(Got kind, byte[] expected)
    {
        Received received = await Read();
        Assert.Equal((kind, expected.Length), (received.Kind, received.Payload.Length));
        Assert.True(expected.AsSpan().SequenceEqual(received.Payload), "The payload differs.");
    }

    /// <summary>A close frame with a code.</summary>
    public async Task<Received> ReadClose(int status)
    {
        Received received = await Read();
        Assert.Equal((Got.Close, status), (received.Kind, received.Status));
        return received;
    }

    /// <summary>The end, in order.</summary>
    public async Task ReadEnd() => Assert.Equal(Got.End, (await Read()).Kind);

    /// <summary>The rest of a closing handshake that the server has begun.</summary>
    public async Task AnswerClose(int status)
    {
        await ReadClose(status);
        await Send(Wire.Close(status));
        await ReadEnd();
    }

    /// <summary>Sends FIN, and goes on reading.</summary>
    public void EndSending() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Sends RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose()
    {
        Socket.Dispose();
        _message.Dispose();
        _deflate?.Dispose();
        _inflaters?.Dispose();
    }

    private Received? Take()
    {
        while (_start < _end || _reader.HasPending)
        {
            Assert.False(_closed, "RFC 6455 section 5.5.1: nothing is sent after a close frame.");
            WebSocketEvent found = _reader.Read(_buffer.AsSpan(_start, _end - _start), out int consumed, out Span<byte> payload);
            _start += consumed;
            switch (found)
            {
                case WebSocketEvent.NeedMoreData:
                    return null;
                case WebSocketEvent.Payload:
                    _message.Write(payload);
                    break;
                case WebSocketEvent.EndOfMessage:
                    _message.Write(payload);
                    var message = new Received(_reader.MessageType == WebSocketMessageType.Text ? Got.Text : Got.Binary, _message.ToArray(), _reader.IsCompressed);
                    _message.SetLength(0);
                    return message;
                case WebSocketEvent.Ping:
                    return new Received(Got.Ping, payload.ToArray());
                case WebSocketEvent.Pong:
                    return new Received(Got.Pong, payload.ToArray());
                case WebSocketEvent.Close:
                    _closed = true;
                    return new Received(Got.Close, payload.ToArray());
                default:
                    Assert.Fail($"The server broke a rule: {_reader.Fault}.");
                    break;
            }
        }

        return null;
    }

    private async Task<int> Fill()
    {
        if (_start == _end) _start = _end = 0;
        if (_end == _buffer.Length)
        {
            if (_start == 0)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }
            else
            {
                Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
                _end -= _start;
                _start = 0;
            }
        }

        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        int count = await Socket.ReceiveAsync(_buffer.AsMemory(_end), deadline.Token);
        _end += count;
        // A reader of large messages takes large pieces.
        if (_end == _buffer.Length && _buffer.Length < 256 * 1024) Array.Resize(ref _buffer, _buffer.Length * 2);
        return count;
    }
}

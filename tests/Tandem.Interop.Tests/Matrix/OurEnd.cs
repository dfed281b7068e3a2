using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>A whole message, or with the type Close the end of the connection.</summary>
internal sealed record Arrival(WebSocketMessageType Type, byte[] Payload, CloseCause Cause = default)
{
    public string Text => Encoding.UTF8.GetString(Payload);
}

/// <summary>Our end of a connection, whichever of our drivers it is.</summary>
internal abstract class OurEnd : IAsyncDisposable
{
    // Not bounded: the messages of a test are.
    protected Channel<Arrival> Arrivals { get; } = Channel.CreateUnbounded<Arrival>();

    public abstract string? Subprotocol { get; }

    /// <summary>
    /// Sends a message. That the connection has ended is no failure here: whether a send or the receiver sees it first is chance, and the
    /// end, which comes next, says the cause.
    /// </summary>
    public abstract Task SendAsync(WebSocketMessageType type, ReadOnlyMemory<byte> payload, bool endOfMessage = true);

    /// <summary>Sends a ping and awaits its pong.</summary>
    public abstract Task PingAsync();

    /// <summary>Begins the closing handshake.</summary>
    public abstract Task CloseAsync(WebSocketCloseStatus status, string? reason);

    public Task SendAsync(string text) => SendAsync(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(text));

    /// <summary>What comes next.</summary>
    public Task<Arrival> ReceiveAsync() => Arrivals.Reader.ReadAsync().AsTask().InTime();

    /// <summary>The end, which must be next.</summary>
    public async Task<CloseCause> ReceiveEndAsync()
    {
        Arrival arrival = await ReceiveAsync();
        Assert.Equal(WebSocketMessageType.Close, arrival.Type);
        return arrival.Cause;
    }

    public abstract ValueTask DisposeAsync();
}

/// <summary>A connection of the event-loop server.</summary>
internal sealed class EventLoopEnd : OurEnd
{
    private readonly WebSocketServer _server;
    private readonly TaskCompletionSource<WebSocketPeer> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ponged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebSocketPeer? _peer;

    public EventLoopEnd(LinkOptions options)
    {
        _server = new WebSocketServer(new WebSocketServerOptions
        {
            EndPoints = [LinkOptions.AnyPort],
            Loops = 1,
            Deflate = options.Deflate,
            Drafts = options.Drafts,
            Origins = OriginPolicy.Any,
        });
        _server.Map(new WebSocketRoute(options.Path, new Handler(this)) { Subprotocols = options.OurSubprotocols });
        _server.Start();
    }

    public System.Net.IPEndPoint EndPoint => _server.EndPoints[0];

    public override string? Subprotocol => _peer!.Subprotocol;

    public async Task AcceptAsync() => _peer = await _opened.Task.InTime();

    public override Task SendAsync(WebSocketMessageType type, ReadOnlyMemory<byte> payload, bool endOfMessage = true)
    {
        SendStatus status = _peer!.Send(type, payload.Span, endOfMessage ? WebSocketMessageFlags.EndOfMessage : WebSocketMessageFlags.None);
        Assert.NotEqual(SendStatus.Dropped, status);
        return Task.CompletedTask;
    }

    public override Task PingAsync()
    {
        _peer!.Ping("interop"u8);
        return _ponged.Task.InTime();
    }

    public override Task CloseAsync(WebSocketCloseStatus status, string? reason)
    {
        _peer!.Close(status, reason);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class Handler(EventLoopEnd end) : WebSocketHandler
    {
        public override void OnOpen(WebSocketPeer peer) => end._opened.TrySetResult(peer);

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) =>
            end.Arrivals.Writer.TryWrite(new Arrival(type, payload.ToArray()));

        public override void OnPong(WebSocketPeer peer, ReadOnlySpan<byte> payload)
        {
            if (payload.SequenceEqual("interop"u8)) end._ponged.TrySetResult();
        }

        public override void OnClose(WebSocketPeer peer, in CloseCause cause) => end.Arrivals.Writer.TryWrite(new Arrival(WebSocketMessageType.Close, [], cause));
    }
}

/// <summary>A stream connection, of the client or in the server's role. It reads on by itself, so that a peer that sends is never held up.</summary>
internal sealed class StreamEnd : OurEnd
{
    private readonly WebSocketConnection _connection;
    private readonly Task _receiving;

    public StreamEnd(WebSocketConnection connection)
    {
        _connection = connection;
        _receiving = Task.Run(ReceiveAllAsync);
    }

    public override string? Subprotocol => _connection.SubProtocol;

    public override async Task SendAsync(WebSocketMessageType type, ReadOnlyMemory<byte> payload, bool endOfMessage = true)
    {
        try
        {
            await _connection.SendAsync(payload, type, endOfMessage, default).InTime();
        }
        catch (WebSocketException)
        {
            // As above.
        }
    }

    public override Task PingAsync() => _connection.PingAsync("interop"u8.ToArray()).InTime();

    public override Task CloseAsync(WebSocketCloseStatus status, string? reason) => _connection.CloseOutputAsync(status, reason, default).InTime();

    public override async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        await _receiving.InTime();
    }

    private async Task ReceiveAllAsync()
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult received = await _connection.ReceiveAsync(buffer.AsMemory(), default);
                if (received.MessageType == WebSocketMessageType.Close) break;
                message.Write(buffer, 0, received.Count);
                if (!received.EndOfMessage) continue;
                Arrivals.Writer.TryWrite(new Arrival(received.MessageType, message.ToArray()));
                message.SetLength(0);
            }

            // RFC 6455 section 5.5.1: answered with the code that came; none with none.
            if (_connection.State == WebSocketState.CloseReceived)
            {
                bool none = _connection.CloseCause is { Status: WebSocketCloseStatus.Empty };
                WebSocketCloseStatus status = none ? WebSocketCloseStatus.Empty : _connection.CloseStatus!.Value;
                await _connection.CloseOutputAsync(status, none ? null : _connection.CloseStatusDescription, default);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The cause says it, and the test judges it.
        }

        Arrivals.Writer.TryWrite(new Arrival(WebSocketMessageType.Close, [], _connection.CloseCause ?? default));
    }
}

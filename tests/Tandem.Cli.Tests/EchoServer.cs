using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets;

namespace Tandem.Cli.Tests;

/// <summary>The event-loop server with an echo at <c>/</c> that remembers what it was told; it speaks "chat".</summary>
internal sealed class EchoServer : WebSocketHandler, IAsyncDisposable
{
    private readonly WebSocketServer _server;
    private readonly ConcurrentQueue<string> _messages = new();
    private readonly TaskCompletionSource<CloseCause> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EchoServer()
    {
        _server = new WebSocketServer(new WebSocketServerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 1, Deflate = new DeflateOptions() });
        _server.Map(new WebSocketRoute("/", this) { Subprotocols = ["chat"] });
        _server.Start();
    }

    public string Url => $"ws://{_server.EndPoints[0]}/";

    /// <summary>Every message, text as it is and binary as hex.</summary>
    public string[] Messages => [.. _messages];

    /// <summary>How its first connection ended.</summary>
    public Task<CloseCause> Closed => _closed.Task.InTime();

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        _messages.Enqueue(type == WebSocketMessageType.Text ? System.Text.Encoding.UTF8.GetString(payload) : Convert.ToHexString(payload));
        peer.Send(type, payload);
    }

    public override void OnClose(WebSocketPeer peer, in CloseCause cause) => _closed.TrySetResult(cause);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

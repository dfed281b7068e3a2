using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>A server for one connection: the handshake of the core, and behind it a <see cref="WebSocketConnection"/> over a NetworkStream.</summary>
internal sealed class StreamServer : IDisposable
{
    private readonly TcpListener _listener = new(LinkOptions.AnyPort);
    private readonly LinkOptions _options;

    public StreamServer(LinkOptions options)
    {
        _options = options;
        _listener.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public void Dispose() => _listener.Dispose();

    public async Task<WebSocketConnection> AcceptAsync()
    {
        Socket socket = await _listener.AcceptSocketAsync().InTime();
        socket.NoDelay = true;
        var stream = new NetworkStream(socket, ownsSocket: true);
        byte[] received = new byte[HttpHead.MaxLength];
        int count = 0;
        byte[]? answer;
        WebSocketConnection? connection;
        do
        {
            int read = await stream.ReadAsync(received.AsMemory(count)).AsTask().InTime();
            Assert.True(read > 0, "The client ended within its request.");
            count += read;
            (answer, connection) = Answer(stream, received.AsSpan(0, count));
        }
        while (answer is null);
        await stream.WriteAsync(answer).InTime();
        return connection!;
    }

    private (byte[]? Answer, WebSocketConnection? Connection) Answer(NetworkStream stream, ReadOnlySpan<byte> received)
    {
        if (!UpgradeRequest.Parse(received, out UpgradeRequest request, out HandshakeRefusal refusal)) return default;
        if (refusal == HandshakeRefusal.None) refusal = request.Judge();
        Assert.Equal(HandshakeRefusal.None, refusal);
        string? subprotocol = request.SelectSubprotocol(_options.OurSubprotocols);
        string? extensions = null;
        DeflateParameters parameters = default;
        if (_options.Deflate is not null) extensions = DeflateNegotiation.Accept(request.Head, _options.Deflate, out parameters);
        byte[] answer = new byte[1024];
        int length = ServerHandshake.WriteAccepted(answer, request, subprotocol, extensions);
        WebSocketConnectionOptions options = _options.Connection with
        {
            Role = WebSocketRole.Server,
            Subprotocol = subprotocol,
            Deflate = extensions is null ? null : parameters,
            DeflateOptions = _options.Deflate ?? new DeflateOptions(),
        };
        return (answer[..length], new WebSocketConnection(stream, options, received[request.Head.Length..]));
    }
}

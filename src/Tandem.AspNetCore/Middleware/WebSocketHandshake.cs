using System.Buffers;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Middleware;

/// <summary>
/// One opening handshake: judged when the request comes, answered when the application accepts it. Over HTTP/1.1 it is an upgrade (RFC 6455
/// section 4.2), over HTTP/2 an extended CONNECT (RFC 8441 section 5).
/// </summary>
internal sealed class WebSocketHandshake : IHttpWebSocketFeature, IDisposable
{
    private readonly HttpContext _context;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect; // null over HTTP/1.1
    private readonly TandemWebSocketOptions _options;
    private readonly WebSocketConnectionOptions _connectionOptions;
    private byte[]? _head; // until the handshake is answered
    private HttpTransportStream? _transport;
    private WebSocketConnection? _connection;

    public WebSocketHandshake(
        HttpContext context,
        IHttpUpgradeFeature? upgrade,
        IHttpExtendedConnectFeature? connect,
        TandemWebSocketOptions options,
        WebSocketConnectionOptions connectionOptions)
    {
        _context = context;
        _upgrade = upgrade;
        _connect = connect;
        _options = options;
        _connectionOptions = connectionOptions;
        Refusal = Judge();
    }

    /// <summary>The rule that the request breaks.</summary>
    public HandshakeRefusal Refusal { get; }

    public bool IsAccepted => _connection is not null;

    public bool IsWebSocketRequest => Refusal == HandshakeRefusal.None;

    public async Task<WebSocket> AcceptAsync(WebSocketAcceptContext context)
    {
        if (!IsWebSocketRequest) throw new InvalidOperationException($"Not a WebSocket request: {Refusal.Text()}.");
        if (Interlocked.Exchange(ref _head, null) is not { } head) throw new InvalidOperationException("The WebSocket request was accepted already.");
        if (_context.Response.HasStarted) throw new InvalidOperationException("The response has started, so the WebSocket request cannot be accepted any more.");
        WebSocketConnectionOptions options = Answer(head, context);
        _transport = await AcceptedAnswer.SendAsync(_context, _upgrade, _connect).ConfigureAwait(false);
        _transport.Connection = _connection = new WebSocketConnection(_transport, options);
        options.Telemetry.RecordAccepted(_connect is null ? StatusCodes.Status101SwitchingProtocols : StatusCodes.Status200OK);
        return _connection;
    }

    /// <summary>The pipeline has returned, and the request ends: so does the connection, if the application has left it open.</summary>
    public void Dispose()
    {
        _connection?.Dispose(); // first, so that what was sent reaches the transport
        _transport?.Detach();
    }

    private HandshakeRefusal Judge()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        try
        {
            HandshakeRefusal refusal = RequestHead.Write(_context.Request, buffer.AsSpan(0, HttpHead.MaxLength), out int length);
            if (refusal != HandshakeRefusal.None) return refusal;
            UpgradeRequest.Parse(buffer.AsSpan(0, length), out UpgradeRequest request, out refusal);
            if (refusal == HandshakeRefusal.None) refusal = _connect is null ? request.Judge() : request.JudgeExtendedConnect();
            if (refusal != HandshakeRefusal.None) return refusal;
            if (!_options.Origins.Allows(in request)) return HandshakeRefusal.OriginNotAllowed;
            _head = buffer.AsSpan(0, length).ToArray();
            return HandshakeRefusal.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Puts the answer's fields into the response; nothing is sent yet.</summary>
    private WebSocketConnectionOptions Answer(byte[] head, WebSocketAcceptContext? context)
    {
        UpgradeRequest.Parse(head, out UpgradeRequest request, out _);
        string? subprotocol = string.IsNullOrEmpty(context?.SubProtocol) ? null : context.SubProtocol;
        ServerHandshake.RequireOffered(in request, subprotocol);
        DeflateOptions? granted = Grant(context);
        DeflateParameters parameters = default;
        string? extensions = granted is null ? null : DeflateNegotiation.Accept(request.Head, granted, out parameters);
        WebSocketConnectionOptions options = _connectionOptions with
        {
            Subprotocol = subprotocol,
            Deflate = extensions is null ? null : parameters,
            DeflateOptions = granted ?? _connectionOptions.DeflateOptions,
            KeepAliveInterval = context?.KeepAliveInterval is { } interval ? TandemWebSocketOptions.OrNever(interval) : _connectionOptions.KeepAliveInterval,
            KeepAliveTimeout = context?.KeepAliveTimeout is { } timeout ? TandemWebSocketOptions.OrNever(timeout) : _connectionOptions.KeepAliveTimeout,
        };
        options.Validate(); // before the client is told that it is accepted

        AcceptedAnswer.Prepare(_context, isUpgrade: _connect is null, subprotocol, extensions);
        return options;
    }

    /// <summary>What is granted to a client that offers permessage-deflate; null for nothing.</summary>
    private DeflateOptions? Grant(WebSocketAcceptContext? context)
    {
        DeflateOptions? deflate = _options.Deflate;
        if (context is { DangerousEnableCompression: true }) deflate ??= new DeflateOptions();
        if (deflate is null) return null;
        if (context is not null)
        {
            deflate = deflate with
            {
                ServerMaxWindowBits = Math.Min(deflate.ServerMaxWindowBits, context.ServerMaxWindowBits),
                ServerNoContextTakeover = deflate.ServerNoContextTakeover || context.DisableServerContextTakeover,
            };
        }

        return DeflateBudget.Grant(_options.DeflateMemoryBudget, deflate);
    }
}

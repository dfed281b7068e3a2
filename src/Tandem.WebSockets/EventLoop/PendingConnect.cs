using System.Buffers;
using System.ComponentModel;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Client;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// A client's connection from connect to the server's answer (RFC 6455 section 4.1): the twin of <see cref="PendingHandshake"/>. Each of the two
/// steps has its deadline.
/// </summary>
internal sealed unsafe class PendingConnect : Opening
{
    private readonly Loop _loop;
    private readonly WebSocketClientLoop _client;
    private readonly object? _state;
    private readonly byte[] _key = new byte[AcceptKey.KeyLength];
    private readonly int _fd;
    private int _slot;
    private bool _isConnected;
    private byte[]? _received; // what came so far of an answer that came in pieces; rented
    private int _receivedLength;

    private PendingConnect(Loop loop, WebSocketClientLoop client, object? state, int fd)
    {
        _loop = loop;
        _client = client;
        _state = state;
        _fd = fd;
    }

    public static void Begin(Loop loop, WebSocketClientLoop client, object? state, SocketAddress? from)
    {
        int fd = Libc.Socket(client.Address.Family == System.Net.Sockets.AddressFamily.InterNetworkV6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet, Libc.StreamNonBlockCloseOnExec, 0);
        if (fd < 0)
        {
            client.Fail(state, Unwrap(ConnectFailures.Failed(WebSocketConnectPhase.Dial, LastError())));
            return;
        }

        var connect = new PendingConnect(loop, client, state, fd);
        connect._slot = loop.Connections.Add(connect, loop.DueAfter(client.Options.DialTimeout));
        connect.Dial(from);
    }

    public override void OnEvents()
    {
        if (_isConnected)
        {
            Receive();
            return;
        }

        int error = 0;
        int length = sizeof(int);
        _ = Libc.GetOption(_fd, Libc.LevelSocket, Libc.SocketError, &error, &length);
        if (error == 0) SendRequest();
        else Fail(ConnectFailures.Failed(WebSocketConnectPhase.Dial, Error(error)));
    }

    public override void OnDeadline() =>
        Fail(ConnectFailures.TimedOut(Phase, _isConnected ? _client.Options.HandshakeTimeout : _client.Options.DialTimeout));

    public override void BeginStop() => Drop();

    public override void Drop() => Fail(WebSocketClientLoop.Stopping(Phase));

    private WebSocketConnectPhase Phase => _isConnected ? WebSocketConnectPhase.Handshake : WebSocketConnectPhase.Dial;

    private void Dial(SocketAddress? from)
    {
        Libc.SetOption(_fd, Libc.LevelTcp, Libc.TcpNoDelay, 1); // batches are made here, not by Nagle's algorithm
        if (from is not null)
        {
            Libc.SetOption(_fd, Libc.LevelIp, Libc.IpBindAddressNoPort, 1);
            fixed (byte* address = from.Buffer.Span)
            {
                if (Libc.Bind(_fd, address, from.Size) != 0)
                {
                    FailDial();
                    return;
                }
            }
        }

        int result;
        fixed (byte* address = _client.Address.Buffer.Span) result = Libc.Connect(_fd, address, _client.Address.Size);
        // A connection that is there at once is reported as writable like any other.
        bool begun = result == 0 || Marshal.GetLastSystemError() == Libc.Einprogress;
        if (!begun || !_loop.Epoll.Add(_fd, EpollEvents.Out, _slot)) FailDial();
    }

    private void FailDial() => Fail(ConnectFailures.Failed(WebSocketConnectPhase.Dial, LastError()));

    private void SendRequest()
    {
        _isConnected = true;
        // Section 4.1: the nonce is chosen at random for each connection. The rest of the request is the same for all of them.
        Span<byte> nonce = stackalloc byte[16];
        RandomNumberGenerator.Fill(nonce);
        ClientHandshake.EncodeKey(nonce, _key);
        OpeningRequest request = _client.Request;
        _key.CopyTo(request.Bytes.AsSpan(request.KeyOffset));
        nint sent;
        fixed (byte* pointer = request.Bytes) sent = Libc.Send(_fd, pointer, request.Bytes.Length, Libc.MsgNoSignal);
        // One send: on a fresh connection the kernel takes more than a request may have.
        if (sent != request.Bytes.Length)
        {
            Fail(ConnectFailures.Failed(WebSocketConnectPhase.Handshake, sent < 0 ? LastError() : new IOException("The kernel does not take the request.")));
            return;
        }

        _loop.Connections.SetDue(_slot, _loop.DueAfter(_client.Options.HandshakeTimeout));
        _loop.Epoll.Modify(_fd, EpollEvents.In, _slot);
    }

    private void Receive()
    {
        Span<byte> buffer = _loop.ReceiveBuffer;
        if (_received is not null) _received.AsSpan(0, _receivedLength).CopyTo(buffer);
        int count = (int)Libc.Receive(_fd, (byte*)_loop.ReceivePointer + _receivedLength, buffer.Length - _receivedLength, 0);
        if (count <= 0)
        {
            if (count < 0 && Marshal.GetLastSystemError() is Libc.Eagain or Libc.Eintr) return;
            Exception cause = count < 0 ? LastError() : new EndOfStreamException("The peer ended the connection before its answer was complete.");
            Fail(ConnectFailures.Failed(WebSocketConnectPhase.Handshake, cause));
            return;
        }

        try
        {
            Read(buffer[..(_receivedLength + count)]);
        }
        catch (WebSocketException refusal)
        {
            Fail(refusal);
        }
    }

    private void Read(Span<byte> bytes)
    {
        while (true)
        {
            HttpHeadStatus status = HttpHead.Parse(bytes, out HttpHead head);
            if (status == HttpHeadStatus.NeedMoreData)
            {
                Keep(bytes);
                return;
            }

            // What most answers are need not become strings.
            if (status == HttpHeadStatus.Complete && ClientHandshake.Status(in head) == 101)
            {
                Open(bytes, head.Length);
                return;
            }

            ResponseHead.TryParse(bytes, WebSocketConnectPhase.Handshake, out ResponseHead? response);
            if (response!.Status is 101 or >= 200)
            {
                // Of the body what came with the head, at least: an error's text is rarely longer, and nobody waits here.
                byte[] body = new ResponseBody(response).Decode(bytes[response.Length..]);
                throw ConnectFailures.Refused(WebSocketConnectPhase.Handshake, response, body);
            }

            bytes = bytes[response.Length..]; // an interim answer such as 103 (RFC 9110 section 15.2)
        }
    }

    private void Open(Span<byte> bytes, int headLength)
    {
        ClientHandshakeFault fault = OpeningExchange.Judge(bytes, _key, _client.Options, out string? subprotocol, out DeflateParameters? parameters);
        if (fault != ClientHandshakeFault.None)
        {
            ResponseHead.TryParse(bytes, WebSocketConnectPhase.Handshake, out ResponseHead? response);
            throw ConnectFailures.Broken(fault, response!);
        }

        _client.Options.Connection.Telemetry.Client.Handshake(TelemetryTags.Accepted, 101, null);
        UpgradeContext context = _loop.UpgradeContext;
        context.Begin(_client.Remote, _client.Port, subprotocol, extensions: null, parameters.GetValueOrDefault());
        context.State = _state;
        PeerDeflate? deflate = parameters is { } agreed ? new PeerDeflate(in agreed, _loop.Inflaters, _loop.Deflaters!, _client.Route.Role) : null;
        // The peer takes over slot and descriptor; the kernel's registration stays as it is.
        var peer = new LoopPeer(_loop, _slot, _fd, _client.Remote, _client.Port, _client.Route, context, deflate);
        context.State = null; // nobody else's
        _loop.Connections[_slot] = peer;
        peer.Open(answer: default, bytes[headLength..]);
        ReturnReceived();
    }

    private void Fail(WebSocketException failure) => Fail(Unwrap(failure));

    private void Fail(WebSocketConnectException failure)
    {
        ReturnReceived();
        Libc.Reset(_fd);
        _loop.Connections.Remove(_slot);
        _client.Fail(_state, failure);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        byte[] kept = _received ?? ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        bytes.CopyTo(kept);
        _received = kept;
        _receivedLength = bytes.Length;
    }

    private void ReturnReceived()
    {
        if (_received is not null) ArrayPool<byte>.Shared.Return(_received);
        _received = null;
        _receivedLength = 0;
    }

    private static WebSocketConnectException Unwrap(WebSocketException exception) => (WebSocketConnectException)exception.InnerException!;

    private static IOException LastError() => Error(Marshal.GetLastSystemError());

    private static IOException Error(int errno)
    {
        var inner = new Win32Exception(errno);
        return new IOException(inner.Message, inner);
    }
}

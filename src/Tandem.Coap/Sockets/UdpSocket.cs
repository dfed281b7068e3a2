using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Sockets;

/// <summary>
/// A UDP socket that is not connected. One that is bound to all addresses answers from the one that it was asked at, as RFC 1122 section 4.1.3.5 wants: a client takes an answer from
/// nowhere else (RFC 7252 section 5.3.2), and the system would choose by its routes. Not one socket for each address of the machine: those come and go, and 127.0.0.0/8 are 16 million.
/// On Linux; elsewhere the system chooses.
/// </summary>
internal sealed class UdpSocket : IDisposable
{
    // What comes in a burst while the loop is elsewhere; the system may give less.
    private const int ReceiveBufferSize = 1024 * 1024;

    private readonly Socket _socket;
    private readonly bool _isIPv6;
    private readonly bool _knowsOwnAddress;
    private readonly bool _hearsErrors;
    private readonly IPEndPoint _any;
    private readonly SocketAddress _source;

    /// <param name="local">Where to bind.</param>
    /// <param name="answers">Whether it is a server's: then it answers from where it was asked. A client's is told when its server cannot be reached.</param>
    public UdpSocket(IPEndPoint local, bool answers)
    {
        _isIPv6 = local.AddressFamily == AddressFamily.InterNetworkV6;
        _any = new IPEndPoint(_isIPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        _source = new SocketAddress(local.AddressFamily);
        _socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (_isIPv6) _socket.DualMode = local.Address.Equals(IPAddress.IPv6Any);
            _socket.ReceiveBufferSize = ReceiveBufferSize;
            _knowsOwnAddress = answers && OperatingSystem.IsLinux() && local.Address.Equals(_any.Address);
            _hearsErrors = !answers && OperatingSystem.IsLinux();
            // Without it only a connected socket hears of them; and one that is connected keeps its address when the machine gets another.
            if (_hearsErrors) _socket.SetRawSocketOption(_isIPv6 ? Libc.LevelIpv6 : Libc.LevelIp, _isIPv6 ? Libc.Ipv6ReceiveErrors : Libc.IpReceiveErrors, BitConverter.GetBytes(1));
            _socket.Bind(local);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The next datagram. One call at a time.</summary>
    /// <exception cref="SocketException">What ICMP says of an earlier datagram, or one that is too long for the buffer: not the end of the socket.</exception>
    public async ValueTask<(int Length, CoapAddress From)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            if (!_knowsOwnAddress)
            {
                int length = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, _source, cancellationToken).ConfigureAwait(false);
                return (length, CoapAddress.From((IPEndPoint)_any.Create(_source)));
            }

            SocketReceiveMessageFromResult received = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, _any, cancellationToken).ConfigureAwait(false);
            return (received.ReceivedBytes, CoapAddress.From((IPEndPoint)received.RemoteEndPoint, received.PacketInformation.Address));
        }
        catch (SocketException)
        {
            ForgetErrors();
            throw;
        }
    }

    /// <summary>Sends a datagram. What cannot be sent is to the protocol a lost one.</summary>
    /// <returns>Success, or what the system says: about this one, or about an earlier one.</returns>
    public SocketError Send(CoapAddress to, ReadOnlySpan<byte> datagram)
    {
        IPEndPoint target = to.ToEndPoint();
        if (_isIPv6) target.Address = target.Address.MapToIPv6();
        try
        {
            if (to.Local != default) return SendFrom(to.Local, target.Serialize(), datagram);
            _socket.SendTo(datagram, SocketFlags.None, target);
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            ForgetErrors();
            return exception.SocketErrorCode;
        }
    }

    public void Dispose() => _socket.Dispose();

    private unsafe SocketError SendFrom(UInt128 local, SocketAddress to, ReadOnlySpan<byte> datagram)
    {
        const int longestInformation = 20;
        Span<byte> own = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(own, local);
        Span<byte> control = stackalloc byte[sizeof(Libc.ControlHeader) + longestInformation + sizeof(nint)];
        control.Clear();
        // struct in6_pktinfo: address, interface; struct in_pktinfo: interface, address, address of the header, which is for receiving. Interface 0: as the routes say.
        int information = _isIPv6 ? 20 : 12;
        if (_isIPv6) own.CopyTo(control[sizeof(Libc.ControlHeader)..]);
        else own[12..].CopyTo(control[(sizeof(Libc.ControlHeader) + 4)..]);
        fixed (byte* controlStart = control, name = to.Buffer.Span, start = datagram)
        {
            *(Libc.ControlHeader*)controlStart = new Libc.ControlHeader
            {
                Length = sizeof(Libc.ControlHeader) + information,
                Level = _isIPv6 ? Libc.LevelIpv6 : Libc.LevelIp,
                Type = _isIPv6 ? Libc.Ipv6PacketInformation : Libc.IpPacketInformation,
            };
            var vector = new Libc.IoVector { Base = start, Length = datagram.Length };
            var header = new Libc.MessageHeader
            {
                Name = name, NameLength = to.Size, Vectors = &vector, VectorCount = 1,
                // The length of the whole with its padding (CMSG_SPACE).
                Control = controlStart, ControlLength = (sizeof(Libc.ControlHeader) + information + sizeof(nint) - 1) / sizeof(nint) * sizeof(nint),
            };
            nint sent;
            do sent = Libc.SendMessage(_socket.Handle, &header, Libc.MsgNoSignal | Libc.MsgDontWait);
            while (sent < 0 && Marshal.GetLastPInvokeError() == Libc.Eintr);
            return sent < 0 ? SocketError.SocketError : SocketError.Success;
        }
    }

    /// <summary>Each error is queued as well, with the datagram that it is about, and takes of the buffer for what is received.</summary>
    private unsafe void ForgetErrors()
    {
        if (!_hearsErrors) return;
        Libc.MessageHeader nothing = default;
        while (Libc.ReceiveMessage(_socket.Handle, &nothing, Libc.MsgErrorQueue | Libc.MsgDontWait) >= 0) nothing = default;
    }
}

using System.Net;
using System.Net.Sockets;

namespace Tandem.Tests.Support;

/// <summary>Ports for what must be told its port before it binds it.</summary>
internal static class Ports
{
    // Below those that Linux gives to who asks for any (from 32768): no socket of another test takes one between now and its use, or while a server restarts,
    // and nobody who dials it meanwhile is connected to itself.
    private const int First = 10_000;
    private const int Beyond = 30_000;

    /// <summary>One that nobody has, at random, as other processes look for theirs at the same time.</summary>
    public static int Free(ProtocolType protocol = ProtocolType.Tcp)
    {
        while (true)
        {
            // Of both families where there are both.
            using var socket = new Socket(protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol);
            try
            {
                int port = Random.Shared.Next(First, Beyond);
                socket.Bind(new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
                return port;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // another one
            }
        }
    }
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets.Drafts;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>hixie-75 and hixie-76 have no ping: whether the client is still there TCP asks.</summary>
public sealed class HixieKeepAliveTests
{
    [Theory]
    [InlineData(45, 12, 45, 3)]
    [InlineData(0.2, 0.2, 1, 1)] // whole seconds, and at least one
    [InlineData(44.1, 12.4, 45, 4)]
    [InlineData(86_400, 864_000, 32_767, 32_767)] // what Linux takes
    public void TCP_asks_after_KeepAliveInterval_and_gives_up_after_KeepAliveTimeout(double interval, double timeout, int time, int between)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        HixieConnection.KeepAlive(socket, new WebSocketServerOptions { KeepAliveInterval = TimeSpan.FromSeconds(interval), KeepAliveTimeout = TimeSpan.FromSeconds(timeout) });
        Assert.Equal((true, time, between, 4), OptionsOf(socket));
    }

    [Fact]
    public void Infinite_intervals_leave_it_to_the_system()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        (bool, int Time, int Between, int Count) before = OptionsOf(socket);
        HixieConnection.KeepAlive(socket, new WebSocketServerOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        Assert.Equal((false, before.Time, before.Between, before.Count), OptionsOf(socket));
        HixieConnection.KeepAlive(socket, new WebSocketServerOptions { KeepAliveInterval = TimeSpan.FromSeconds(45), KeepAliveTimeout = Timeout.InfiniteTimeSpan });
        Assert.Equal((true, 45, before.Between, before.Count), OptionsOf(socket));
    }

    [Theory]
    [InlineData(Driver.Loops, WebSocketDrafts.Hixie75)]
    [InlineData(Driver.Loops, WebSocketDrafts.Hixie76)]
    [InlineData(Driver.Streams, WebSocketDrafts.Hixie75)]
    [InlineData(Driver.Streams, WebSocketDrafts.Hixie76)]
    public async Task It_is_asked_of_each_connection_that_is_served(Driver driver, WebSocketDrafts draft)
    {
        // So long that it is no other timer of the connection.
        var options = new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Drafts = draft, KeepAliveInterval = TimeSpan.FromHours(1), IdleTimeout = Timeout.InfiniteTimeSpan };
        await using TestServer server = driver.Start(TestHandler.Echo(), options);
        using HixieClient client = await HixieClient.Open(server, draft);
        var served = (IPEndPoint)client.Raw.Socket.RemoteEndPoint!;
        var from = (IPEndPoint)client.Raw.Socket.LocalEndPoint!;
        await Eventually.True(() => SecondsToKeepAlive(served.Port, from.Port) is > 3000 and <= 3600, "a timer of an hour");
    }

    private static (bool IsOn, int Time, int Between, int Count) OptionsOf(Socket socket)
    {
        int Option(SocketOptionName name) => (int)socket.GetSocketOption(SocketOptionLevel.Tcp, name)!;
        return (
            (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)! != 0,
            Option(SocketOptionName.TcpKeepAliveTime), Option(SocketOptionName.TcpKeepAliveInterval), Option(SocketOptionName.TcpKeepAliveRetryCount));
    }

    // Of the server's end, whose socket is out of reach here: proc_net_tcp(5). Its timer 2 is that of keep-alive, in hundredths of a second.
    private static double? SecondsToKeepAlive(int served, int from)
    {
        foreach (string line in File.ReadLines("/proc/net/tcp").Skip(1))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!fields[1].EndsWith($":{served:X4}", StringComparison.Ordinal) || !fields[2].EndsWith($":{from:X4}", StringComparison.Ordinal)) continue;
            string[] timer = fields[5].Split(':');
            return timer[0] == "02" ? int.Parse(timer[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 100.0 : null;
        }

        return null;
    }
}

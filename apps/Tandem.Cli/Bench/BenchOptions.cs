using System.Net;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>What is done with the connections.</summary>
internal enum BenchMode
{
    /// <summary>Each connection keeps messages in flight, and sends the next when one has come back.</summary>
    Echo,

    /// <summary>Messages are sent at fixed times, whether or not those before have come back.</summary>
    Rate,

    /// <summary>One sends, all receive.</summary>
    Broadcast,

    /// <summary>Connections that say nothing.</summary>
    Idle,

    /// <summary>Connections are opened and ended.</summary>
    Connect,
}

/// <summary>What is measured, and how much of it. Every number is bounded where it is parsed.</summary>
internal sealed record BenchOptions
{
    // Of the 28,000 ports that an address has by default some may be in use.
    private const int ConnectionsPerAddress = 20_000;

    public required BenchMode Mode { get; init; }

    public required Uri Url { get; init; }

    public required IPEndPoint EndPoint { get; init; }

    public int Connections { get; init; }

    /// <summary>Messages in flight on each connection; publishes of one burst; handshakes at a time.</summary>
    public int InFlight { get; init; }

    /// <summary>Bytes of payload.</summary>
    public int Size { get; init; }

    /// <summary>Messages a second over all connections.</summary>
    public double Rate { get; init; }

    public int Publishers { get; init; }

    public TimeSpan WarmUp { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>The measurement ends when so many have been counted, if that is before its time; null for its time alone.</summary>
    public int? Count { get; init; }

    public int Threads { get; init; }

    public bool Text { get; init; }

    public bool Deflate { get; init; }

    public bool NoContextTakeover { get; init; }

    /// <summary>Mode connect: connections end with a closing handshake and not with a reset.</summary>
    public bool Close { get; init; }

    /// <summary>The server's process; null when only the clock on the wall counts.</summary>
    public int? Pid { get; init; }

    /// <summary>Whether of the content of messages only a part is compared.</summary>
    public bool IsSampled => Size > Payloads.ComparedWhole;

    public WebSocketMessageType Type => Text ? WebSocketMessageType.Text : WebSocketMessageType.Binary;

    public WebSocketClientOptions Client => new()
    {
        Deflate = !Deflate ? null : new DeflateOptions { ServerNoContextTakeover = NoContextTakeover, ClientNoContextTakeover = NoContextTakeover },
        // Silent for as long as they are to be: a ping is work for the server.
        Connection = new WebSocketConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan, CloseTimeout = TimeSpan.FromSeconds(5), MaxMessageSize = Math.Max(Size, 1 << 20) },
    };

    /// <summary>Where a connection comes from; null for the system's choice, which has too few ports when very many connect to one address.</summary>
    public IPAddress? Source(int connection)
    {
        if (Connections <= ConnectionsPerAddress || !EndPoint.Address.Equals(IPAddress.Loopback)) return null;
        return new IPAddress([127, 0, 0, (byte)(1 + (connection / ConnectionsPerAddress))]);
    }
}

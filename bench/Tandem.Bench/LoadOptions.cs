using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>What is spoken over the WebSockets.</summary>
internal enum Protocol
{
    /// <summary>Tandem's sessions: docs/session-protocol.md.</summary>
    Session,

    /// <summary>SignalR's hub protocol, in JSON.</summary>
    SignalR,
}

/// <summary>What is measured, and how much of it. Every number is bounded where it is parsed.</summary>
internal sealed record LoadOptions
{
    // Of the 28,000 ports that an address has by default some may be in use.
    private const int ConnectionsPerAddress = 20_000;

    /// <summary>The server's port on 127.0.0.1.</summary>
    public required int Port { get; init; }

    /// <summary>The server's process; null when only the clock on the wall counts.</summary>
    public ServerProcess? Server { get; init; }

    /// <summary>The request target.</summary>
    public required string Path { get; init; }

    public Protocol Protocol { get; init; }

    public int Connections { get; init; }

    /// <summary>Bytes of payload.</summary>
    public int Size { get; init; }

    /// <summary>Events that are published with one send; of a client, messages in flight.</summary>
    public int Burst { get; init; } = 1;

    /// <summary>Least milliseconds from one burst to the next.</summary>
    public int Interval { get; init; }

    /// <summary>How many addresses 127.0.0.x to connect from; 0 for as many as the connections need.</summary>
    public int Sources { get; init; }

    /// <summary>Pairs of measurements, one with a subscriber that does not read and one without; 0: it is not about that.</summary>
    public int Stalled { get; init; }

    /// <summary>Seconds before the measurement in which the server gets its load already.</summary>
    public double WarmUp { get; init; }

    /// <summary>Seconds of the measurement.</summary>
    public double Seconds { get; init; }

    /// <summary>Where a connection comes from: 127.0.0.1 and so many further.</summary>
    public int Source(int connection) => connection % (Sources > 0 ? Sources : 1 + ((Connections - 1) / ConnectionsPerAddress));
}

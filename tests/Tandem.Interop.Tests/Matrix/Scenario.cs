namespace Tandem.Interop.Tests.Matrix;

/// <summary>Which end is ours.</summary>
public enum Direction
{
    /// <summary>The event-loop server, and the peer's client.</summary>
    EventLoopServer,

    /// <summary>The stream connection in the server's role, and the peer's client.</summary>
    StreamServer,

    /// <summary>Our client, and the peer's server.</summary>
    Client,
}

/// <summary>What is tried: the columns of docs/interop.md, in this order.</summary>
public enum Scenario
{
    Text,
    Binary,
    Empty,
    OneMiB,
    SixteenMiB,
    FragmentsFromUs,
    FragmentsFromPeer,
    PingFromUs,
    PingFromPeer,
    Subprotocol,
    Burst,
    CloseFromUs,
    CloseFromUsWithoutCode,
    CloseFromPeer,
    CloseFromPeer1001,
    CloseFromPeerWithoutCode,
    NoDeflate,
    Deflate,
    NoContextAskedByUs,
    NoContextAskedByPeer,
    WindowsAskedByUs,
    WindowsAskedByPeer,
}

/// <summary>What a peer is told about compression when it opens or accepts a connection.</summary>
public enum Profile
{
    /// <summary>permessage-deflate is neither offered nor accepted.</summary>
    Plain,

    /// <summary>permessage-deflate as the peer does it when nothing more is said.</summary>
    Deflate,

    /// <summary>The peer asks both ends to forget their contexts, as far as it can.</summary>
    NoContext,

    /// <summary>The peer asks for windows of <see cref="Scenarios.WindowBits"/> bits, as far as it can.</summary>
    Window,
}

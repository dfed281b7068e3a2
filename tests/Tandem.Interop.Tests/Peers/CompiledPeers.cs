using Tandem.Interop.Tests.Matrix;

namespace Tandem.Interop.Tests.Peers;

/// <summary>gorilla/websocket, built by eng/interop.sh.</summary>
public sealed class Gorilla : ProcessPeer
{
    private const string Program = "artifacts/interop/gorilla";

    public override PeerCard Card { get; } = new(
        "gorilla/websocket (Go)", "Debian: golang-go golang-github-gorilla-websocket-dev; then eng/interop.sh --build", PeerCard.ClientAndServer)
    {
        Lacks = [new("gorilla/websocket has no windows but the largest.", [Scenario.WindowsAskedByPeer])],
        Faults =
        [
            new(
                "gorilla/websocket's server accepts an offer with server_max_window_bits without limiting its window (RFC 7692 section 7.1.2.1); "
                + "our client fails the handshake.",
                [Scenario.WindowsAskedByUs],
                Direction.Client,
                "the answer to permessage-deflate"),
        ],
    };

    protected override string[] Command => [Path.Combine(Tools.Root, Program)];
}

/// <summary>Netty, built by eng/interop.sh.</summary>
public sealed class Netty : ProcessPeer
{
    private const string Classes = "artifacts/interop/netty";

    private static readonly string[] Jars = [.. ((string[])[
        "netty-buffer", "netty-codec", "netty-codec-http", "netty-common", "netty-handler", "netty-resolver", "netty-transport", "jzlib"
    ]).Select(name => $"/usr/share/java/{name}.jar")];

    private const string UnaskedFor =
        "Netty's client fails the connection when the server limits itself without having been asked to, which RFC 7692 sections 7.1.1.1 and 7.1.2.1 allow.";

    public override PeerCard Card { get; } = new(
        "Netty", "Debian: libnetty-java libjzlib-java default-jdk-headless; then eng/interop.sh --build", PeerCard.ClientAndServer)
    {
        Lacks = [new("Netty's server asks for no context takeover only where the client offers it for itself.", [Scenario.NoContextAskedByPeer], Direction.Client)],
        Faults =
        [
            new(UnaskedFor, [Scenario.NoContextAskedByUs, Scenario.WindowsAskedByUs], Direction.EventLoopServer, nameof(CloseInitiator.TransportEnd)),
            new(UnaskedFor, [Scenario.NoContextAskedByUs, Scenario.WindowsAskedByUs], Direction.StreamServer, nameof(CloseInitiator.TransportEnd)),
        ],
        Remarks =
        [
            "Netty's client ends TCP without answering a close frame (RFC 6455 section 5.5.1) unless its application handles close frames itself, as ours here does.",
            "Netty's client offers server_no_context_takeover exactly when it asks for a window, whatever it is told.",
            "Netty's client speaks hixie-76, hybi-07 and hybi-08 too, and our server with it when it is told to. In hixie-76 it loses the beginning of a text that TCP has cut.",
        ],
    };

    // Neither end asks for both windows.
    public override string[] Asks(Direction direction, Profile profile) =>
        profile != Profile.Window ? base.Asks(direction, profile) : [$"{(direction == Direction.Client ? "client" : "server")}_max_window_bits={Scenarios.WindowBits}"];

    protected override string[] Command => [Tools.Find("java"), "-XX:TieredStopAtLevel=1", "-cp", string.Join(':', [Classes, .. Jars]), "NettyPeer"];

    protected override string[] Needs => [Classes + "/NettyPeer.class", .. Jars];
}

public sealed class GorillaTests(Gorilla peer) : PeerTests<Gorilla>(peer);

public sealed class NettyTests(Netty peer) : PeerTests<Netty>(peer);

using Tandem.Interop.Tests.Matrix;

namespace Tandem.Interop.Tests.Peers;

/// <summary>What is common to the peers that Python runs: Debian's Python, since its packages are Debian's.</summary>
public abstract class PythonPeer(string module) : ProcessPeer
{
    private const string Packages = "/usr/lib/python3/dist-packages/";

    protected override string[] Command => ["/usr/bin/python3", "-B", $"tests/Tandem.Interop.Tests/peers/python/{module}_peer.py"];

    protected override string[] Needs => [Packages + module];
}

/// <summary>websockets.</summary>
public sealed class PythonWebSockets() : PythonPeer("websockets")
{
    public override PeerCard Card { get; } = new("websockets (Python)", "Debian: python3-websockets", PeerCard.ClientAndServer)
    {
        Lacks = [new("websockets always closes with a code.", [Scenario.CloseFromPeerWithoutCode])],
    };
}

/// <summary>Tornado.</summary>
public sealed class Tornado() : PythonPeer("tornado")
{
    public override PeerCard Card { get; } = new("Tornado", "Debian: python3-tornado", PeerCard.ClientAndServer)
    {
        Lacks =
        [
            new("Tornado sends a message as one frame.", [Scenario.FragmentsFromPeer]),
            new("Tornado has no options for the parameters of permessage-deflate.", [Scenario.NoContextAskedByPeer, Scenario.WindowsAskedByPeer]),
        ],
        Faults =
        [
            new(
                "Tornado loses the parameters that have no value: its client goes on with a context that the answer takes from it (RFC 7692 section 7.1.1.2), "
                + "its server accepts server_no_context_takeover without saying so (section 7.1.1.1).",
                [Scenario.NoContextAskedByUs],
                Symptom: "InvalidDeflateData|the answer to permessage-deflate"),
        ],
    };
}

/// <summary>aiohttp.</summary>
public sealed class Aiohttp() : PythonPeer("aiohttp")
{
    public override PeerCard Card { get; } = new("aiohttp", "Debian: python3-aiohttp", PeerCard.ClientAndServer)
    {
        Lacks =
        [
            new("aiohttp sends a message as one frame.", [Scenario.FragmentsFromPeer]),
            new("aiohttp always closes with a code.", [Scenario.CloseFromPeerWithoutCode]),
            new("aiohttp has no option for context takeover.", [Scenario.NoContextAskedByPeer]),
            new("aiohttp's server has no option for windows.", [Scenario.WindowsAskedByPeer], Direction.Client),
        ],
    };

    // Its client asks for a window of the server only.
    public override string[] Asks(Direction direction, Profile profile) => profile == Profile.Window ? [$"server_max_window_bits={Scenarios.WindowBits}"] : [];
}

public sealed class PythonWebSocketsTests(PythonWebSockets peer) : PeerTests<PythonWebSockets>(peer);

public sealed class TornadoTests(Tornado peer) : PeerTests<Tornado>(peer);

public sealed class AiohttpTests(Aiohttp peer) : PeerTests<Aiohttp>(peer);

using Tandem.Interop.Tests.Matrix;

namespace Tandem.Interop.Tests.Peers;

/// <summary>What is common to the peers that Node runs.</summary>
public abstract class NodePeer : ProcessPeer
{
    /// <summary>Where the programs lie.</summary>
    protected const string Folder = "tests/Tandem.Interop.Tests/peers/node/";

    /// <summary>How a machine gets their packages.</summary>
    protected const string Install = "Node 20 and eng/interop.sh --build";

    /// <summary>How the programs are run.</summary>
    protected static readonly string Node = Tools.Find("node");

    protected override string[] Needs => [Folder + "node_modules"];
}

/// <summary>ws, the server and client that most of Node uses.</summary>
public sealed class Ws : NodePeer
{
    public override PeerCard Card { get; } = new("ws (Node)", Install, PeerCard.ClientAndServer);

    protected override string[] Command => [Node, Folder + "ws.mjs"];
}

/// <summary>The WebSocket API of browsers in Node.</summary>
public sealed class NodeBuiltIn : NodePeer
{
    public override PeerCard Card { get; } = BrowserApi.Card("Node's WebSocket (undici)", Install, compresses: false) with
    {
        Remarks = ["Node's WebSocket offers permessage-deflate and inflates, but never compresses what it sends."],
    };

    protected override string[] Command => [Node, "--experimental-websocket", "--no-warnings", Folder + "builtin.mjs"];
}

public sealed class WsTests(Ws peer) : PeerTests<Ws>(peer);

public sealed class NodeBuiltInTests(NodeBuiltIn peer) : PeerTests<NodeBuiltIn>(peer);

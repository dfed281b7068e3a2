using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>
/// The subprotocol riddle at <c>/chat/riddle</c>: the demo once more, but its answer names the subprotocol "chat" whether or not the client
/// offered it. RFC 6455 section 4.2.2 forbids that, and section 4.1 makes a client fail the connection over it. The handshake itself refuses to
/// choose what was not offered, so the mistake is made as the authors of the riddle made it: the field is written by hand.
/// </summary>
internal sealed class RiddleHandler(WireObservers observers) : ChatHandler(observers)
{
    public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context)
    {
        context.Headers.Add(new KeyValuePair<string, string>("Sec-WebSocket-Protocol", "chat"));
        base.OnUpgrade(in request, context);
    }
}

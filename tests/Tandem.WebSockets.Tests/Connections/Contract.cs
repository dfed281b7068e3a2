using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>
/// The contract that consumers of <see cref="System.Net.WebSockets.WebSocket"/> rely on. Each behaviour is one test body, run against the BCL's implementation and ours,
/// for both roles, in memory and over TCP; ours over a <see cref="SocketStream"/> too. Where the two differ on purpose, see <see cref="ContractDifferenceTests"/>.
/// </summary>
public abstract class Contract
{
    public static TheoryData<Maker, WebSocketRole, Transport> Cases
    {
        get
        {
            var cases = new TheoryData<Maker, WebSocketRole, Transport>();
            foreach (Maker maker in Enum.GetValues<Maker>())
            {
                foreach (WebSocketRole role in Enum.GetValues<WebSocketRole>())
                {
                    foreach (Transport transport in Enum.GetValues<Transport>())
                    {
                        if (maker == Maker.Tandem || transport != Transport.Epoll) cases.Add(maker, role, transport);
                    }
                }
            }

            return cases;
        }
    }
}

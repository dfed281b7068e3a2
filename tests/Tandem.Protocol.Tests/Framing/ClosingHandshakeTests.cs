using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 7: every cell of the closing handshake's table for both roles, and the laws that any sequence of signals obeys.</summary>
public sealed class ClosingHandshakeTests
{
    private const CloseActions SendAndEnd = CloseActions.SendClose | CloseActions.EndTransport;

    private static readonly WebSocketState[] Phases =
        [WebSocketState.Open, WebSocketState.CloseSent, WebSocketState.CloseReceived, WebSocketState.Closed, WebSocketState.Aborted];

    [Theory]
    // Open: a close of this end is announced; the peer's is told to the application, which answers it.
    [InlineData(WebSocketState.Open, CloseSignal.LocalClose, WebSocketState.CloseSent, CloseActions.SendClose)]
    [InlineData(WebSocketState.Open, CloseSignal.PeerClose, WebSocketState.CloseReceived, CloseActions.None)]
    [InlineData(WebSocketState.Open, CloseSignal.Fault, WebSocketState.Aborted, SendAndEnd)]
    [InlineData(WebSocketState.Open, CloseSignal.TransportEnd, WebSocketState.Aborted, CloseActions.DropTransport)]
    [InlineData(WebSocketState.Open, CloseSignal.Deadline, WebSocketState.Aborted, CloseActions.DropTransport)]
    // CloseSent: the answer completes the handshake; nothing more is sent.
    [InlineData(WebSocketState.CloseSent, CloseSignal.LocalClose, WebSocketState.CloseSent, CloseActions.None)]
    [InlineData(WebSocketState.CloseSent, CloseSignal.PeerClose, WebSocketState.Closed, CloseActions.EndTransport)]
    [InlineData(WebSocketState.CloseSent, CloseSignal.Fault, WebSocketState.Aborted, CloseActions.EndTransport)]
    [InlineData(WebSocketState.CloseSent, CloseSignal.TransportEnd, WebSocketState.Aborted, CloseActions.DropTransport)]
    [InlineData(WebSocketState.CloseSent, CloseSignal.Deadline, WebSocketState.Aborted, CloseActions.DropTransport)]
    // CloseReceived: the answer is still owed.
    [InlineData(WebSocketState.CloseReceived, CloseSignal.LocalClose, WebSocketState.Closed, SendAndEnd)]
    [InlineData(WebSocketState.CloseReceived, CloseSignal.PeerClose, WebSocketState.CloseReceived, CloseActions.None)]
    [InlineData(WebSocketState.CloseReceived, CloseSignal.Fault, WebSocketState.CloseReceived, CloseActions.None)]
    [InlineData(WebSocketState.CloseReceived, CloseSignal.TransportEnd, WebSocketState.Aborted, CloseActions.DropTransport)]
    [InlineData(WebSocketState.CloseReceived, CloseSignal.Deadline, WebSocketState.Aborted, CloseActions.DropTransport)]
    // Closed and Aborted: over; only the transport is left to let go.
    [InlineData(WebSocketState.Closed, CloseSignal.LocalClose, WebSocketState.Closed, CloseActions.None)]
    [InlineData(WebSocketState.Closed, CloseSignal.PeerClose, WebSocketState.Closed, CloseActions.None)]
    [InlineData(WebSocketState.Closed, CloseSignal.Fault, WebSocketState.Closed, CloseActions.None)]
    [InlineData(WebSocketState.Closed, CloseSignal.TransportEnd, WebSocketState.Closed, CloseActions.DropTransport)]
    [InlineData(WebSocketState.Closed, CloseSignal.Deadline, WebSocketState.Closed, CloseActions.DropTransport)]
    [InlineData(WebSocketState.Aborted, CloseSignal.LocalClose, WebSocketState.Aborted, CloseActions.None)]
    [InlineData(WebSocketState.Aborted, CloseSignal.PeerClose, WebSocketState.Aborted, CloseActions.None)]
    [InlineData(WebSocketState.Aborted, CloseSignal.Fault, WebSocketState.Aborted, CloseActions.None)]
    [InlineData(WebSocketState.Aborted, CloseSignal.TransportEnd, WebSocketState.Aborted, CloseActions.DropTransport)]
    [InlineData(WebSocketState.Aborted, CloseSignal.Deadline, WebSocketState.Aborted, CloseActions.DropTransport)]
    public void Section_7_every_cell_of_the_table(WebSocketState phase, CloseSignal signal, WebSocketState next, CloseActions actions)
    {
        Assert.Equal((next, actions), ClosingHandshake.Next(phase, signal, WebSocketRole.Server));
        // Section 7.1.1: after both close frames a client leaves the end of TCP to the server.
        if (next == WebSocketState.Closed) actions &= ~CloseActions.EndTransport;
        Assert.Equal((next, actions), ClosingHandshake.Next(phase, signal, WebSocketRole.Client));
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void In_any_sequence_of_signals_the_laws_hold(WebSocketRole role)
    {
        CloseSignal[] signals = Enum.GetValues<CloseSignal>();
        int sequences = (int)Math.Pow(signals.Length, 6);
        for (int number = 0; number < sequences; number++)
        {
            WebSocketState phase = WebSocketState.Open;
            int sent = 0;
            bool peerClosed = false;
            bool over = false;
            for (int i = 0, rest = number; i < 6; i++, rest /= signals.Length)
            {
                CloseSignal signal = signals[rest % signals.Length];
                WebSocketState before = phase;
                (phase, CloseActions actions) = ClosingHandshake.Next(before, signal, role);
                Assert.Contains(phase, Phases);
                Assert.False(over && phase != before, "nothing leaves Closed or Aborted");
                Assert.False(over && actions.HasFlag(CloseActions.SendClose), "nothing is sent after the end");
                peerClosed |= signal == CloseSignal.PeerClose && !over;
                if (actions.HasFlag(CloseActions.SendClose)) sent++;
                Assert.InRange(sent, 0, 1);
                over = phase is WebSocketState.Closed or WebSocketState.Aborted;
                if (phase == WebSocketState.Closed) Assert.True(peerClosed && sent == 1, "Closed means that both close frames went over the wire");
                if (phase == WebSocketState.CloseSent) Assert.Equal(1, sent);
                if (phase == WebSocketState.CloseReceived) Assert.True(peerClosed && sent == 0);
                Assert.False(actions.HasFlag(CloseActions.DropTransport) && actions != CloseActions.DropTransport, "what is dropped is not also ended");
            }
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void The_end_of_the_transport_lets_it_go_in_every_phase(WebSocketRole role)
    {
        foreach (WebSocketState phase in Phases)
        {
            Assert.Equal(CloseActions.DropTransport, ClosingHandshake.Next(phase, CloseSignal.TransportEnd, role).Actions);
            Assert.Equal(CloseActions.DropTransport, ClosingHandshake.Next(phase, CloseSignal.Deadline, role).Actions);
        }
    }

    [Fact]
    public void Section_7_1_1_of_two_that_close_normally_only_the_server_ends_TCP()
    {
        foreach ((WebSocketRole role, bool ends) in ((WebSocketRole, bool)[])[(WebSocketRole.Server, true), (WebSocketRole.Client, false)])
        {
            (WebSocketState phase, CloseActions opening) = ClosingHandshake.Next(WebSocketState.Open, CloseSignal.LocalClose, role);
            (phase, CloseActions closing) = ClosingHandshake.Next(phase, CloseSignal.PeerClose, role);
            Assert.Equal((WebSocketState.Closed, ends), (phase, (opening | closing).HasFlag(CloseActions.EndTransport)));
        }
    }
}
